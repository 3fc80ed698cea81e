"""How ``hostctl packages`` has apt-get install: nobody is asked, no file of the admin's is replaced, nothing starts."""

import re
from pathlib import Path

import pytest

from tests.hosts.fake_host import Host, made

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

POLICY = "/usr/sbin/policy-rc.d"
VARIABLES = "DEBIAN_FRONTEND NEEDRESTART_SUSPEND NEEDRESTART_MODE"
NOTES = f"""
    echo "${{0##*/}} $*" >>"$ROOT/ran"
    for name in {VARIABLES}; do echo "$name=${{!name:-}}"; done >"$ROOT/with-${{0##*/}}"
    for service in haproxy keepalived.service nginx; do
        [ ! -x "$POLICY" ] || "$POLICY" "$service" start || echo "$service: $?"
    done >"$ROOT/denied"
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host without the packages, and with an apt-get that has them."""
    host = made(tmp_path)
    policy = f"POLICY={host.path(POLICY)}\n"
    host.path(POLICY).parent.mkdir(parents=True)
    host.program("cloud-init", "echo status: done")
    host.program("dpkg-query", '[ ! -e "$ROOT/installed" ] || echo "installed 2.6.12-1"')
    host.program("dpkg", policy + NOTES)
    host.program("apt-get", f'{policy}{NOTES}\n[[ $* != *" install "* ]] || touch "$ROOT/installed"')
    return host


def installed(host: Host) -> list[str]:
    """Install, and return what was run for it."""
    done = host.hostctl("packages", "5", "haproxy=2.6.*", "keepalived")
    assert (done.returncode, done.stdout) == (0, "packages: installed haproxy=2.6.* keepalived\n")
    return (host.root / "ran").read_text().splitlines()


def test_apt_get_asks_nobody_and_replaces_no_configuration(host: Host) -> None:
    broken, update, install = installed(host)
    assert broken == "dpkg --configure -a", "what a killed run has left comes first"
    for command, verb in ((update, "update"), (install, "install")):
        options, found, _ = command.partition(f" {verb}")
        assert found
        assert {"--yes", "-o Dpkg::Options::=--force-confold", "-o DPkg::Lock::Timeout=5"} <= set(
            re.findall(r"--yes|-o \S+", options)
        )
    assert install.endswith(" --no-install-recommends --allow-downgrades haproxy=2.6.* keepalived")
    wanted = ["DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "NEEDRESTART_MODE=l"]
    for program in ("dpkg", "apt-get"):
        assert (host.root / f"with-{program}").read_text().splitlines() == wanted


def test_services_are_held_while_it_installs_and_no_longer(host: Host) -> None:
    installed(host)
    assert (host.root / "denied").read_text().splitlines() == ["haproxy: 101", "keepalived.service: 101"]
    assert not host.path(POLICY).exists()


def test_a_policy_of_the_admins_is_left_alone(host: Host) -> None:
    theirs = "#!/bin/sh\n[ $1 != nginx ] || exit 104\n"
    host.write(POLICY, theirs, 0o755)
    installed(host)
    assert (host.root / "denied").read_text().splitlines() == ["nginx: 104"]
    assert host.path(POLICY).read_text() == theirs
