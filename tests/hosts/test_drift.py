"""What ``hostctl check`` says of a host that is not as the stack left it any more."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from components.rendering import paths, render
from tests.hosts.below import PROGRAMS, STATE, Host, bundle, made
from tests.unit.components import examples

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

CFG, CONF = paths.HAPROXY_CFG, paths.KEEPALIVED_CONF
AUTH = f"/etc/keepalived/{paths.AUTH_NAME}"
LOADED, DIFFERENT = "runs with an older configuration", 3
SYSTEMCTL = f"""
    [[ "$*" != *StateChangeTimestamp* ]] || {{
        # In China's time unless it is asked for another.
        TZ=${{TZ:-Asia/Shanghai}} date --date "@$(cat "$ROOT/since")" '+%a %Y-%m-%d %H:%M:%S %Z'
        exit
    }}
    [[ "$*" != *NeedDaemonReload* ]] || {{ cat "$ROOT/stale"; exit; }}
    [ "$1" != is-enabled ] || {{
        [[ "$*" == *--quiet* ]] || cat "$ROOT/boot"
        ! grep -q disabled "$ROOT/boot"
        exit
    }}
    {PROGRAMS["systemctl"]}
"""
"""With what systemd notes of a service: since when it is as it is, and whether a boot starts it."""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host as the stack has left it."""
    host = made(tmp_path_factory.mktemp("host"))
    host.program("systemctl", SYSTEMCTL)
    host.write("stale", "no\n")
    host.write("boot", "enabled\n")
    host.write("since", "4000000000\n")
    host.write(f"{STATE}/joined", render.vrrp_group(examples.planned(examples.topology()), examples.VIP))
    host.write(paths.VRRP_STATE, "BACKUP\n")
    for service in ("haproxy", "keepalived"):
        done = host.hostctl("apply", service, stdin=bundle(service=service))
        assert done.returncode == 0, done.stdout
    assert host.hostctl("secret", stdin="k8s_auth\n").returncode == 0
    run_since(host, 0)
    return host


@pytest.fixture
def host(left: Host, tmp_path: Path) -> Iterator[Host]:
    """The same, for each test anew."""
    shutil.copytree(left.root, tmp_path / "left")
    yield left
    shutil.copytree(tmp_path / "left", left.root, dirs_exist_ok=True)


def run_since(host: Host, hours: int) -> None:
    """Have the services run since so many hours after their files were written."""
    written = max(host.path(file).stat().st_mtime for file in (CFG, CONF))
    host.write("since", f"{int(written) + 3600 * hours}\n")


class Drift(NamedTuple):
    """A change by hand, what is checked then, and what is said of it."""

    there: str
    change: str
    """The new text of `there`; with a + before it, what is appended; an octal mode; empty: the file is removed."""
    asked: str
    said: str


DRIFTS = {
    "a file is gone": Drift(CFG, "", "haproxy", f"files: {CFG} is missing"),
    "a file is changed": Drift(
        CONF,
        "+# by hand",
        "keepalived",
        f"files: {CONF} is not what the stack wrote (- the stack's, + the host's):\n    +# by hand",
    ),
    "a password is added": Drift(
        CONF,
        "+    auth_pass s3cret # mine",
        "keepalived",
        f"files: {CONF} is not what the stack wrote (- the stack's, + the host's):\n    +    auth_pass [hidden]",
    ),
    "a user is added": Drift(
        CFG,
        "+userlist x\n    user y password s3cret",
        "haproxy",
        f"files: {CFG} is not what the stack wrote (- the stack's, + the host's):\n"
        "    +userlist x\n    +    user y password [hidden]",
    ),
    "a mode is changed": Drift(CFG, "0600", "haproxy", f"files: {CFG} has mode 600, the stack's is 644"),
    "it is stopped": Drift("active", "inactive", "haproxy", "service: haproxy is inactive"),
    "it was not reloaded": Drift("since", "-1", "haproxy", f"service: haproxy {LOADED}: its files were"),
    "systemd did not read": Drift(
        "stale", "yes", "keepalived", f"service: keepalived {LOADED}: its files were"
    ),
    "it does not answer": Drift(
        "bin/curl",
        "#!/bin/sh\nexit 7",
        "haproxy",
        "service: haproxy runs and does not answer http://127.0.0.1:33305/monitor",
    ),
    "it takes no part": Drift(
        paths.VRRP_STATE,
        "FAULT",
        "keepalived",
        "service: keepalived runs in state FAULT, takes no part",
    ),
    "no boot starts it": Drift(
        "boot", "disabled", "haproxy", "service: haproxy would not start after a boot (it is not enabled)"
    ),
    "the password is gone": Drift(AUTH, "", "password", f"files: {AUTH} is missing or empty"),
    "it is another one": Drift(
        AUTH, "auth_pass s3cret", "password", f"files: {AUTH} does not hold the stack's password"
    ),
    "everybody can read it": Drift(
        AUTH, "0644", "password", f"files: {AUTH} has mode 644, the stack's is 600"
    ),
    "the tool is changed": Drift(
        paths.TOOL, "+# by hand", "tool", f"files: {paths.TOOL} is not what the stack wrote"
    ),
}


def apply_by_hand(host: Host, drift: Drift) -> None:
    """Make the change."""
    file = host.path(drift.there)
    if drift.there == "since":
        run_since(host, int(drift.change))
    elif not drift.change:
        file.unlink()
    elif re.fullmatch("0[0-7]{3}", drift.change):
        file.chmod(int(drift.change, 8))
    elif drift.change.startswith("+"):
        file.write_text(f"{file.read_text()}{drift.change[1:]}\n")
        os.utime(file, (0, 0))
    else:
        file.write_text(f"{drift.change}\n")


def found(host: Host, what: str) -> tuple[int, str]:
    """Ask, as the end of an ``up`` does: with a copy of the tool as it should be."""
    host.write("hostctl", host.moved(render.tool()))
    text = "k8s_auth\n" if what == "password" else bundle(service=what) if what != "tool" else ""
    done = subprocess.run(
        ["bash", host.path("hostctl"), "check", what],
        env={"PATH": f"{host.root / 'bin'}:{os.environ['PATH']}", "ROOT": str(host.root)},
        input=host.moved(text),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.replace(str(host.root), "")


@pytest.mark.parametrize("what", ["haproxy", "keepalived", "password", "tool"])
def test_nothing_is_said_of_a_host_as_the_stack_left_it(host: Host, what: str) -> None:
    assert found(host, what) == (0, "")


@pytest.mark.parametrize("name", DRIFTS)
def test_what_is_not_as_the_stack_left_it_is_found(host: Host, name: str) -> None:
    drift = DRIFTS[name]
    apply_by_hand(host, drift)
    code, said = found(host, drift.asked)
    assert code == DIFFERENT
    assert said.startswith(drift.said), said
    assert said.count("files: ") + said.count("service: ") == 1, "nothing else"
    assert "s3cret" not in said


def test_a_changed_mode_is_put_back(host: Host) -> None:
    host.path(CFG).chmod(0o600)
    done = host.hostctl("apply", "haproxy", stdin=bundle())
    assert done.returncode == 0
    assert done.stdout.endswith("haproxy: applied and healthy\n")
    assert host.path(CFG).stat().st_mode & 0o777 == 0o644
    run_since(host, 0)
    assert "unchanged" in host.hostctl("apply", "haproxy", stdin=bundle()).stdout
