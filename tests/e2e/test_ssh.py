"""The way to the hosts: a bastion, a user with sudo, pinned host keys, rotated keys, no secret in sight, a dead host.

One endpoint on masters that exist already, from its first run to its last; the tests follow each other.
"""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.faults.fault import injected
from sandbox.faults.hosts import Killed
from sandbox.settings import Settings
from sandbox.stack.flow import BACKEND
from sandbox.stack.ssh_key import ensure_key
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab
from tests.e2e.test_existing_masters import VIP, configuration
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

USER, JUMPER = "ops", "jump"
PASSWORD, NEW_PASSWORD, PASSPHRASE = "s3cr3tA1", "s3cr3tB2", "open-s3same"
FIRST, SECOND, BASTION = "m1", "m2", "m3"


def authorize(lab: Lab, host: str, user: str, public: Path) -> None:
    """Let this key, and no other, in as `user`."""
    lab.ssh(
        host,
        f"install -d -m 700 -o {user} -g {user} /home/{user}/.ssh && "
        f"install -m 600 -o {user} -g {user} /dev/stdin /home/{user}/.ssh/authorized_keys",
        stdin=public.read_text(),
    )


def set_secret(lab: Lab, key: str, value: str) -> None:
    """Configure a value as a secret."""
    done = lab.pulumi("config", "set", "--secret", "--path", f"kube-apiserver-havip:{key}", value)
    assert done.returncode == 0, done.stdout + done.stderr


def set_password(lab: Lab, password: str) -> None:
    """Configure the VRRP password, as a secret."""
    set_secret(lab, "keepalived.auth_pass", password)


def locked(key: Path) -> Path:
    """Give a key a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", str(key)], check=True)
    return key


def rotate(lab: Lab, key: Path) -> None:
    """Let `key` in everywhere, instead of the one before."""
    for host in (FIRST, SECOND, BASTION):
        authorize(lab, host, USER, key.with_suffix(".pub"))
    authorize(lab, BASTION, JUMPER, key.with_suffix(".pub"))


@pytest.fixture(scope="module")
def lab(settings: Settings, base: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Masters that only a bastion leads to, entered by a user who is not root; their stack is not up yet."""
    key = ensure_key(tmp_path_factory.mktemp("first") / "key")
    hosts = {master["name"]: master for master in base["masters"]}
    config = configuration(
        base,
        # Without sshHost it is the private address, which nothing here has a route to.
        masters=[{k: v for k, v in master.items() if k != "sshHost"} for master in base["masters"]],
        sshUser=USER,
        sshPrivateKeyFile=str(key),
        sshProxy={"host": hosts[BASTION]["sshHost"], "user": JUMPER},
        keepalived={"vrrp_version": 2},
        failover={"preset": "tolerant"},
    )
    lab = make_lab(settings, tmp_path_factory.mktemp("p") / "ssh", "ssh", config)
    set_password(lab, PASSWORD)
    for host in (FIRST, SECOND, BASTION):
        lab.ssh(host, "apt-get -qq update && apt-get -qq install --yes sudo >/dev/null")
        lab.ssh(host, f"useradd --create-home --shell /bin/bash {USER}")
        lab.ssh(host, f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER}")
    lab.ssh(BASTION, f"useradd --create-home --shell /bin/false {JUMPER}")
    rotate(lab, key)
    yield lab
    destroy = lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr


@contextmanager
def processes(seen: set[str]) -> Iterator[None]:
    """Collect the command lines of every process here and on all hosts, whose processes this machine sees too."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            listed = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True)
            seen.update(listed.stdout.splitlines())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def up(lab: Lab) -> str:
    """Bring it about; what was said."""
    done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def fails(lab: Lab) -> str:
    """Try to; what was said."""
    done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never")
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def steps(lab: Lab) -> list[dict[str, Any]]:
    """What a preview would change."""
    preview = lab.pulumi("preview", "--json")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    found: list[dict[str, Any]] = json.loads(preview.stdout)["steps"]
    return [step for step in found if step["op"] != "same"]


def secrets(key: Path) -> list[str]:
    """What must be nowhere: the passwords, the passphrase, and a line from the middle of the private key."""
    return [PASSWORD, NEW_PASSWORD, PASSPHRASE, key.read_text().splitlines()[2]]


def key_of(lab: Lab) -> Path:
    """The private key that the stack uses now."""
    content = yaml.safe_load((lab.flow.project / f"Pulumi.{lab.flow.stack}.yaml").read_text())
    return Path(content["config"]["kube-apiserver-havip:sshPrivateKeyFile"])


def pids(lab: Lab, host: str) -> str:
    return lab.ssh(
        host, "systemctl show --property MainPID,ExecMainStartTimestamp haproxy keepalived; pgrep -x haproxy"
    )


def learned(lab: Lab) -> dict[str, str]:
    """Every host key in the state, by the name of the command that learned it."""
    deployment = json.loads(lab.pulumi("stack", "export").stdout)["deployment"]
    return {
        resource["urn"].rpartition("::")[2]: resource["outputs"]["stdout"]
        for resource in deployment["resources"]
        if resource["urn"].endswith("-host-key")
    }


def nothing_of_it(lab: Lab, host: str) -> bool:
    """Whether a host is as it was before it was a balancer."""
    places = "/usr/local/lib/kube-apiserver-havip /var/lib/kube-apiserver-havip /etc/keepalived/auth.conf"
    return (
        lab.ssh(host, f"ls -d {places} 2>/dev/null", check=False) == ""
        and VIP not in lab.ssh(host, "ip -4 address show")
        and "active" not in lab.ssh(host, "systemctl is-active haproxy keepalived", check=False).split()
    )


def test_it_comes_up_and_no_secret_is_seen(lab: Lab) -> None:
    hidden = secrets(key_of(lab))
    seen: set[str] = set()
    said = lab.pulumi("preview", "--diff", "--color=never").stdout
    with processes(seen):
        said += up(lab)
    said += lab.pulumi("preview", "--diff", "--color=never").stdout
    assert steps(lab) == []
    assert any("hostctl" in line for line in seen), "the hosts' processes were seen"
    assert any("-W" in line for line in seen), "the way through the bastion was seen"
    state = "".join(
        file.read_text(errors="replace")
        for file in (lab.settings.directory / BACKEND).rglob("*")
        if file.is_file() and "/ssh" in str(file)
    )
    assert "k8s-ssh-m1-removal" in state
    for secret in hidden:
        assert secret not in said
        assert secret not in state
        assert not [line for line in seen if secret in line]
    for host in (FIRST, SECOND):
        readable = "find /etc /var /run /usr/local /home /tmp /root -xdev -type f -perm -o=r"
        found = lab.ssh(host, f"{readable} -exec grep -lsF -e {PASSWORD} {{}} + ; true")
        assert found == "", f"{host}: everybody can read {found}"
        assert PASSWORD in lab.ssh(host, "cat /etc/keepalived/auth.conf"), "it is there, for root"
        assert lab.ssh(host, f"curl -sk --max-time 2 https://{VIP}:16443/readyz") == "ok"


def test_verify_goes_the_same_way_and_repairs(lab: Lab) -> None:
    """Through the bastion, as a user with sudo."""
    assert lab.verified()[lab.component]["failures"] == []
    lab.ssh(SECOND, "echo '# edited' >>/etc/haproxy/haproxy.cfg")
    failures = lab.verified()[lab.component]["failures"]
    assert ("files", SECOND) in {(one["layer"], one["host"]) for one in failures}
    assert lab.verified("--repair")[lab.component]["failures"] == []


def test_a_balancer_that_passes_nothing_on_is_named(lab: Lab) -> None:
    servers = [f"kube-apiserver/{host}" for host in (FIRST, SECOND, BASTION)]
    tell = "for server in {}; do echo set server $server state {} | socat stdio {}; done"
    socket = "/run/kube-apiserver-havip/haproxy.sock"
    backup = next(host for host in (FIRST, SECOND) if host != lab.holder())
    lab.ssh(backup, tell.format(" ".join(servers), "maint", socket))
    try:
        [failure] = lab.verified()[lab.component]["failures"]
    finally:
        lab.ssh(backup, tell.format(" ".join(servers), "ready", socket))
    assert (failure["layer"], failure["host"]) == ("HAProxy", backup)
    assert f"answers directly, but not through {backup}" in failure["said"]


def test_strict_waits_for_a_kube_apiserver_as_long_as_said(lab: Lab) -> None:
    masters = (FIRST, SECOND, BASTION)
    lab.configure(verify="strict", verifyTimeoutS=3)
    for host in masters:
        lab.ssh(host, "systemctl stop apiserver")
    try:
        said = fails(lab)
    finally:
        for host in masters:
            lab.ssh(host, "systemctl start apiserver")
    assert "[kube-apiserver] none is ready, asked from the balancers directly" in said
    assert all(f"{host} (192.168.8.1{host[1]}:6443): " in said for host in masters)
    lab.configure(verify="auto", verifyTimeoutS=120)
    up(lab)
    assert steps(lab) == []


def test_the_host_keys_of_hosts_and_bastion_are_in_the_state(lab: Lab) -> None:
    found = learned(lab)
    assert set(found) == {f"k8s-ssh-{host}-host-key" for host in (FIRST, SECOND, BASTION, "bastion")}
    for host in (FIRST, SECOND, BASTION):
        own = lab.ssh(host, "cat /etc/ssh/ssh_host_ecdsa_key.pub").split()[:2]
        assert found[f"k8s-ssh-{host}-host-key"].split() == own
    assert found["k8s-ssh-bastion-host-key"] == found[f"k8s-ssh-{BASTION}-host-key"]


def test_a_rotated_key_is_one_update_a_step_and_restarts_nothing(lab: Lab, tmp_path: Path) -> None:
    before = {host: pids(lab, host) for host in (FIRST, SECOND)}
    known = learned(lab)
    new = locked(ensure_key(tmp_path / "second"))
    rotate(lab, new)
    lab.configure(sshPrivateKeyFile=str(new))
    assert "has a passphrase; give that as sshKeyPassphrase" in fails(lab)
    set_secret(lab, "sshKeyPassphrase", PASSPHRASE)
    planned = steps(lab)
    assert {step["op"] for step in planned} == {"update"}
    changed = {step["urn"].rpartition("::")[2]: set(step["detailedDiff"]) for step in planned}
    for name, keys in changed.items():
        holder = dict.fromkeys(("host-key", "removal", "handover"), "environment") | {"verify": "stdin"}
        expected = next((where for end, where in holder.items() if name.endswith(end)), "connection")
        assert {key.partition(".")[0] for key in keys} == {expected}, name
    said = up(lab)
    assert {host: pids(lab, host) for host in (FIRST, SECOND)} == before
    assert learned(lab) == known
    assert steps(lab) == []
    for secret in secrets(new):
        assert secret not in said
    assert lab.verified()[lab.component]["failures"] == [], (
        "the passphrase is in the state, for whoever may read it"
    )


def test_a_failing_step_does_not_tell_the_password(lab: Lab) -> None:
    # Where the new password would be written first there is a directory.
    lab.ssh(SECOND, "mkdir /etc/keepalived/auth.conf.havip-new")
    set_password(lab, NEW_PASSWORD)
    said = fails(lab)
    lab.ssh(SECOND, "rmdir /etc/keepalived/auth.conf.havip-new")
    assert f"k8s-ssh-{SECOND}-auth" in said
    for secret in secrets(key_of(lab)):
        assert secret not in said
    assert NEW_PASSWORD not in up(lab)
    for host in (FIRST, SECOND):
        assert NEW_PASSWORD in lab.ssh(host, "cat /etc/keepalived/auth.conf")


def test_another_host_key_stops_the_run_until_somebody_accepts_it(lab: Lab) -> None:
    before = lab.ssh(SECOND, "stat -c %y /etc/haproxy/haproxy.cfg")
    lab.ssh(
        SECOND,
        "cd /etc/ssh && rm ssh_host_ecdsa_key* && ssh-keygen -q -t ecdsa -N '' -f ssh_host_ecdsa_key && "
        "systemctl reload ssh",
    )
    lab.configure(haproxy={"timeout_client": "11h"})
    said = fails(lab)
    assert re.search(rf"{SECOND}: the sshd on 192\.168\.8\.12:22 shows another host key", said), said
    assert "Traceback" not in said
    assert lab.ssh(SECOND, "stat -c %y /etc/haproxy/haproxy.cfg") == before, "nothing was sent there"
    remedy = re.search(r"pulumi (up --replace '([^']+)')", said)
    assert remedy, said
    done = lab.pulumi("up", "--yes", "--skip-preview", "--color=never", "--replace", remedy[2])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "timeout client 11h" in re.sub(" +", " ", lab.ssh(SECOND, "cat /etc/haproxy/haproxy.cfg"))
    assert steps(lab) == []


def test_a_balancer_that_is_gone_for_good_is_replaced_without_waiting_for_it(lab: Lab) -> None:
    """It stays a master: one that is down and balances nothing keeps nobody from changing the endpoint."""
    with injected(lab.settings, Killed(host=lab.hosts()[FIRST]["id"])):
        lab.configure(balancers=[SECOND, BASTION])
        began = time.monotonic()
        said = up(lab)
        took = time.monotonic() - began
        assert f"{FIRST}: no SSH, nothing is asked from there" in said
        assert f"{FIRST} does not answer, nothing was removed there" in said
        assert f"nothing was asked from {FIRST}, which is no balancer" in said
        assert took < 300, "a dead host is tried for a minute"
        assert steps(lab) == []
        eventually("one holds the VIP", lambda: lab.holder() in (SECOND, BASTION), within_s=30)
        assert lab.ssh(BASTION, f"curl -sk --max-time 2 https://{VIP}:16443/readyz") == "ok"


def test_what_is_left_on_a_balancer_that_came_back_goes_with_one_command(lab: Lab) -> None:
    retire = f"/usr/local/lib/kube-apiserver-havip/hostctl retire {lab.component}"
    eventually(f"{FIRST} is back", lambda: lab.ssh(FIRST, "echo here", check=False) == "here\n", within_s=60)
    assert "is left" in lab.ssh(FIRST, retire)
    assert nothing_of_it(lab, FIRST)


def test_in_the_end_nothing_is_left_on_the_hosts(lab: Lab) -> None:
    said = up(lab)
    assert "unchanged" in said
    destroy = lab.pulumi("destroy", "--yes", "--skip-preview", "--color=never")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    for host in (FIRST, SECOND, BASTION):
        assert nothing_of_it(lab, host)
