"""What ``hostctl packages`` does on a host: pinned versions, running services, locks, and mistakes."""

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.rendering import paths, render
from sandbox.faults.kinds import PackageLock, injected
from sandbox.hosts import images, mirror
from sandbox.settings import Settings
from tests.sandbox.fleet import PORTS, Fleet, booted
from tests.unit.components import examples

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOST = "i-1"
LATER = "2.6.99-1"
"""A version that no mirror has: Debian's package with another number."""


@pytest.fixture(scope="module")
def fleet(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One host with hostctl on it."""
    settings.save()
    for fleet in booted(settings, tmp_path_factory.mktemp("fleet"), PORTS[:1]):
        # Until then cloud-init may still restart sshd.
        fleet.machines.run(HOST, ["cloud-init", "status", "--wait"])
        fleet.give_tool(HOST)
        yield fleet


def packages(fleet: Fleet, *names: str, seconds: int = 60) -> str:
    """Run the tool as the component does."""
    return fleet.ssh(HOST, f"{paths.TOOL} packages {seconds} {' '.join(names)}")


def main_pid(fleet: Fleet, service: str) -> str:
    """Return the process that systemd runs as a service."""
    return fleet.ssh(HOST, f"systemctl show -p MainPID --value {service}")


def offer_a_later_haproxy(fleet: Fleet, work: Path) -> None:
    """Let the host's apt see a second version of haproxy."""
    packages = mirror.ensure_mirror(images.DEFAULT.id, lambda _: None)
    [shipped] = packages.glob("haproxy_*.deb")
    subprocess.run(["dpkg-deb", "-R", shipped, work / "tree"], check=True)
    control = work / "tree/DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text(
        "".join(f"Version: {LATER}\n" if one.startswith("Version:") else f"{one}\n" for one in lines)
    )
    repository = work / "repository"
    repository.mkdir()
    subprocess.run(["dpkg-deb", "-b", work / "tree", repository], check=True, stdout=subprocess.DEVNULL)
    index = subprocess.run(
        ["apt-ftparchive", "packages", "."], cwd=repository, capture_output=True, text=True, check=True
    )
    (repository / "Packages").write_text(index.stdout)
    fleet.copy(repository, HOST, "/srv/later")
    fleet.ssh(HOST, "echo 'deb [trusted=yes] file:/srv/later ./' >/etc/apt/sources.list.d/later.list")


def test_packages_are_installed_and_their_services_not_started(fleet: Fleet) -> None:
    assert "installed haproxy keepalived" in packages(fleet, "haproxy", "keepalived", "curl", "socat")
    active = fleet.ssh(HOST, "systemctl is-active haproxy keepalived || true")
    assert active.split() == ["inactive", "inactive"]
    assert "already there" in packages(fleet, "haproxy", "keepalived", "curl", "socat")
    fleet.ssh(HOST, "test ! -e /usr/sbin/policy-rc.d")


def test_a_keepalived_that_is_too_old_is_refused_before_anything_changes(fleet: Fleet) -> None:
    args = examples.topology()
    args["balancers"][0]["interface"] = "eth0"
    plan = examples.planned(args)
    bundles = {
        "haproxy": render.haproxy_bundle(plan, plan.balancers[0]),
        "keepalived": render.keepalived_bundle(plan, plan.balancers[0], examples.VIP),
    }
    # One of CentOS 7: it knows no test of its files, and says nothing of it.
    old = "#!/bin/sh\necho 'Keepalived v1.3.5 (03/19,2017)' >&2\n"
    fleet.ssh(HOST, "install -m 755 /dev/stdin /usr/local/sbin/keepalived", stdin=old)
    try:
        for service, bundle in bundles.items():
            with pytest.raises(OSError, match=r"keepalived 1\.3 is older than 2\.1.*nothing was changed"):
                fleet.ssh(HOST, f"{paths.TOOL} apply {service}", stdin=bundle)
    finally:
        fleet.ssh(HOST, "rm /usr/local/sbin/keepalived")
    assert fleet.ssh(HOST, f"ls {paths.HAPROXY_DROP_IN} {paths.KEEPALIVED_CONF} 2>/dev/null || true") == ""


def test_a_host_is_one_endpoints_until_that_has_another_name(fleet: Fleet) -> None:
    plan = examples.planned(examples.topology())
    other = dataclasses.replace(plan, name="other")
    renamed = dataclasses.replace(other, formerly=("old", "cp"))
    first, second, third = (render.haproxy_bundle(one, one.balancers[0]) for one in (plan, other, renamed))
    apply = f"{paths.TOOL} apply haproxy"
    assert "applied" in fleet.ssh(HOST, apply, stdin=first)
    with pytest.raises(OSError, match=r"serves the endpoint 'cp' already.*nothing was changed"):
        fleet.ssh(HOST, apply, stdin=second)
    assert "applied" in fleet.ssh(HOST, apply, stdin=third)
    assert "nothing of 'other' is left" in fleet.ssh(HOST, f"{paths.TOOL} retire other")
    fleet.give_tool(HOST)


def test_a_host_that_is_not_to_be_had_is_refused_before_anything_changes(fleet: Fleet) -> None:
    plan = examples.planned(examples.topology())
    may = f"{paths.TOOL} may"
    fleet.ssh(HOST, f"{may} no cp")
    fleet.ssh(HOST, f"{paths.TOOL} apply haproxy", stdin=render.haproxy_bundle(plan, plan.balancers[0]))
    with pytest.raises(OSError, match=r"serves the endpoint 'cp' already, 'other' needs hosts of its own"):
        fleet.ssh(HOST, f"{may} no other")
    fleet.ssh(HOST, f"{may} no other old cp")
    fleet.ssh(HOST, f"echo '# by hand' >{paths.KEEPALIVED_CONF}")
    with pytest.raises(OSError, match=f"{paths.KEEPALIVED_CONF} is a configuration that somebody else made"):
        fleet.ssh(HOST, f"{may} no cp")
    fleet.ssh(HOST, f"{may} yes cp")
    fleet.ssh(HOST, f"rm {paths.KEEPALIVED_CONF}; {paths.TOOL} retire cp")
    fleet.give_tool(HOST)


def test_another_version_is_installed_under_a_service_that_runs_on(fleet: Fleet, tmp_path: Path) -> None:
    offer_a_later_haproxy(fleet, tmp_path)
    shipped = fleet.ssh(HOST, "dpkg-query -W -f '${Version}' haproxy")
    fleet.ssh(HOST, "systemctl start haproxy")
    before = main_pid(fleet, "haproxy")
    # Without a version any will do; with one, that one: later or earlier.
    assert "already there" in packages(fleet, "haproxy")
    for wanted, version in (
        (f"haproxy={LATER}", LATER),
        (f"haproxy={shipped}", shipped),
        ("haproxy=2.6.99*", LATER),
    ):
        assert f"installed {wanted}" in packages(fleet, wanted)
        assert fleet.ssh(HOST, "dpkg-query -W -f '${Version}' haproxy") == version
        assert "already there" in packages(fleet, wanted)
        assert main_pid(fleet, "haproxy") == before


def test_what_no_source_has_fails_at_once_in_the_package_managers_words(fleet: Fleet) -> None:
    with pytest.raises(
        OSError, match=r"(?s)could not install haproxy=9.9 .*Version '9.9' for 'haproxy' was not found"
    ):
        packages(fleet, "haproxy=9.9", seconds=600)
    with pytest.raises(OSError, match=r"(?s)could not install nope .*Unable to locate package nope"):
        packages(fleet, "nope", seconds=600)


def test_a_held_lock_is_waited_for_and_its_holder_named(fleet: Fleet) -> None:
    fleet.ssh(HOST, "dpkg --purge socat")
    with (
        injected(fleet.settings, PackageLock(host=HOST)),
        pytest.raises(OSError, match=r"lock is held by python3 \(pid \d+\)"),
    ):
        packages(fleet, "socat", seconds=10)
    assert "installed socat" in packages(fleet, "socat")


def test_a_run_that_was_killed_leaves_services_free(fleet: Fleet) -> None:
    held = "for try in $(seq 200); do [ ! -e /usr/sbin/policy-rc.d ] || break; sleep 0.1; done"
    with injected(fleet.settings, PackageLock(host=HOST)):
        fleet.ssh(HOST, f"nohup {paths.TOOL} packages 60 jq >/dev/null 2>&1 & {held}; pkill -KILL hostctl")
        assert fleet.ssh(HOST, "/usr/sbin/policy-rc.d haproxy start; echo $?") == "0"
    packages(fleet, "haproxy")
    fleet.ssh(HOST, "test ! -e /usr/sbin/policy-rc.d")


def test_cloud_init_is_waited_for_by_name(fleet: Fleet) -> None:
    # What cloud-init itself goes by.
    fleet.ssh(
        HOST,
        "cp -a /run/cloud-init /root/kept && rm /run/cloud-init/result.json",
    )
    with pytest.raises(OSError, match="cloud-init is still at work after 3 s"):
        packages(fleet, "jq", seconds=3)
    fleet.ssh(HOST, "cp -a /root/kept/. /run/cloud-init/")
    assert "installed jq" in packages(fleet, "jq")
