"""What ``hostctl`` does not even begin: the files stay as they are, and no service is asked for anything."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from components.rendering import paths
from tests.hosts.fake_host import PROGRAMS, Host, bundle, shipped

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

KEEPALIVED = {"service": "keepalived"}
WITH_PASSWORD = {
    "service": "keepalived",
    "keepalived": {"vrrp_version": 2, "auth": True},
    "failover": {"preset": "tolerant"},
}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host that has HAProxy and nothing of ours."""
    return shipped(tmp_path)


def files(host: Host) -> dict[str, str]:
    """What is in its /etc, and whose it is."""
    found = [*host.path("/etc").rglob("*"), host.path("/var/lib/kube-apiserver-havip/owner")]
    return {str(path): path.read_text() for path in found if path.is_file()}


def changed(host: Host) -> list[str]:
    """What of systemd's services was changed."""
    return re.findall(r"systemctl (?!is-|show).*", host.asked())


@pytest.mark.parametrize(
    ("programs", "given", "said"),
    [
        (
            {"haproxy": f"[[ $* != *-c* ]] || {{ echo unknown keyword; exit 1; }}; {PROGRAMS['haproxy']}"},
            {},
            "haproxy refuses the new configuration:\nunknown keyword",
        ),
        (
            {"keepalived": f"[[ $* != *-t* ]] || {{ echo unknown; exit 1; }}; {PROGRAMS['keepalived']}"},
            KEEPALIVED,
            "keepalived refuses the new configuration:\nunknown",
        ),
        (
            {"keepalived": f"[[ $* != *-t* ]] || echo 'include files missing'; {PROGRAMS['keepalived']}"},
            KEEPALIVED,
            "keepalived refuses the new configuration:\ninclude files missing",
        ),
        ({"keepalived": "echo Keepalived v2.0.20"}, {}, "keepalived 2.0 is older than 2.1"),
        ({}, WITH_PASSWORD, "auth.conf is missing or empty: VRRP would run without its password"),
        (
            {
                "ss": """[[ $* != *:16443 ]] || echo 'LISTEN 0 9 *:16443 *:* users:(("nginx",pid=7))'""",
                "socat": "[[ $* != *:16443,* ]] || echo 'E bind(5, 0.0.0.0:16443): Address already in use'",
            },
            {},
            'HAProxy cannot listen on port 16443: users:(("nginx",pid=7)) does; nothing was changed.',
        ),
    ],
    ids=["haproxy -c", "keepalived -t", "keepalived -t is content", "old", "no password", "port"],
)
def test_what_would_not_run_changes_nothing(
    host: Host, programs: dict[str, str], given: dict[str, Any], said: str
) -> None:
    for name, script in programs.items():
        host.program(name, script)
    before = files(host)
    done = host.hostctl("apply", given.get("service", "haproxy"), stdin=bundle(**given))
    assert done.returncode == 1
    assert said in done.stdout
    assert files(host) == before
    assert changed(host) == []


@pytest.mark.parametrize("service", ["haproxy", "keepalived"])
def test_a_host_without_what_the_scripts_work_with_is_refused(host: Host, service: str) -> None:
    host.path("bin/curl").unlink()
    for directory in reversed(os.environ["PATH"].split(":")):
        for program in Path(directory).glob("*"):
            link = host.path(f"bin/{program.name}")
            if program.name != "curl" and not link.exists():
                link.symlink_to(program)
    before = files(host)
    path = f"PATH={host.path('bin')}"
    done = host.hostctl("apply", service, stdin=bundle(service=service), before=("env", path))
    assert done.returncode == 1
    assert "not installed, and needed by the configuration: curl; nothing was changed" in done.stdout
    assert files(host) == before
    assert changed(host) == []


CHANGES = {
    "packages": ("1", "haproxy"),
    "apply": ("haproxy",),
    "secret": (),
    "join": ("m1",),
    "retire": ("cp", "--", "m1"),
    "hand-back": (),
    "forget-leavers": (),
}
"""What changes a host, and what it is told."""
LOOKS: dict[str, tuple[str, ...]] = {
    "may": ("no", "cp"),
    "check": ("tool",),
    "heard": (),
    "leavers": (),
    "release": ("10.0.0.10",),
    "hang-up": ("10.0.0.10",),
    "await-turn": (),
    "hand-over": ("cp", "--", "m1"),
}
"""What changes none, or must not wait for whoever does."""


@pytest.mark.parametrize("verb", CHANGES)
def test_one_run_at_a_time_changes_a_host(host: Host, verb: str) -> None:
    host.program("flock", "exit 1")
    before = files(host)
    done = host.hostctl(verb, *CHANGES[verb], stdin=bundle())
    assert done.returncode == 1
    assert "lock has been held by another run for over 2 minutes" in done.stdout
    assert host.asked() == ""
    assert files(host) == before


@pytest.mark.parametrize("verb", LOOKS)
def test_nobody_waits_for_it_who_changes_none(host: Host, verb: str) -> None:
    host.program("flock", 'echo flock >>"$ROOT/asked"; exit 1')
    done = host.hostctl(verb, *LOOKS[verb])
    assert "usage" not in done.stdout
    assert "flock" not in host.asked()


def test_nobody_else_can_hold_the_lock(host: Host) -> None:
    anybody = ("bash", "-c", 'umask 000; exec "$@"', "bash")
    assert host.hostctl("apply", "haproxy", stdin=bundle(), before=anybody).returncode == 0
    assert host.path("/run/kube-apiserver-havip.lock").stat().st_mode & 0o077 == 0
    assert host.path(paths.HAPROXY_CFG).stat().st_mode & 0o777 == 0o644
