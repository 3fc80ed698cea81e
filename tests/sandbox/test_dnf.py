"""The dnf path of hostctl, with Debian's own dnf and rpm: packages made here of Debian's programs.

What stays untried is Red Hat itself: its kernels, SELinux, and what its packages do beyond the scripts below.
"""

from collections.abc import Iterator

import pytest

from components.rendering import paths, render
from sandbox.hosts import images, mirror
from sandbox.settings import Settings
from tests.sandbox.fleet import PORTS, Fleet, booted
from tests.unit.components import examples

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOST = "i-1"
TOOLS = ("dnf", "createrepo-c", "rpm")
PACKAGES = (
    ("haproxy", "2.6.12"),
    ("haproxy", "2.6.99"),
    ("keepalived", "2.2.7"),
    ("socat", "1.7"),
    ("curl", "7.88"),
)

# As Red Hat's packages do: a user made before, and a running service restarted after an upgrade.
SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: {name} of Debian
License: as Debian's
AutoReqProv: no
Provides: /bin/sh
%global __os_install_post %{{nil}}
%description
{name}
%pre
getent passwd {name} >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin {name}
%install
cp -a /srv/trees/{name}/. %{{buildroot}}
%post
systemctl daemon-reload
%postun
[ "$1" -eq 0 ] || systemctl try-restart {name}.service || :
%files -f /srv/trees/{name}.files
"""

# Debian's programs with all they need are installed, packed, and removed again; what they need stays.
BUILD = r"""
exec 2>&1
export DEBIAN_FRONTEND=noninteractive
echo 'deb [trusted=yes] file:/srv/tools ./' >/etc/apt/sources.list.d/tools.list
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -qq update
apt-get -qq install -y --no-install-recommends "$@" haproxy keepalived socat curl >/dev/null
mkdir -p /srv/trees
cd /srv/trees
for name in haproxy keepalived socat curl; do
    mkdir "$name"
    dpkg-query -L "$name" | grep -E '/systemd/system/.|bin/.|haproxy.cfg$' |
        tar -c --no-recursion -T - | tar -xC "$name"
    find "$name" ! -type d -printf '/%P\n' | sed 's|^/etc|%config(noreplace) /etc|' >"$name.files"
done
mkdir -p haproxy/var/lib/haproxy
echo '%dir /var/lib/haproxy' >>haproxy.files
dpkg --purge --force-depends haproxy keepalived socat >/dev/null
for spec in /srv/specs/*.spec; do
    rpmbuild -bb --quiet --define '_rpmdir /srv/rpms' --define 'debug_package %{nil}' "$spec"
done
createrepo_c --quiet /srv/rpms
mkdir -p /etc/yum.repos.d
printf '[local]\nname=local\nbaseurl=file:///srv/rpms\ngpgcheck=0\n' >/etc/yum.repos.d/local.repo
# From here on this host knows dnf only.
rm /usr/sbin/policy-rc.d
mv /usr/bin/apt-get /usr/bin/dpkg-query /root/
"""


@pytest.fixture(scope="module")
def fleet(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One host that has dnf, a repository of rpm packages, and hostctl."""
    settings.save()
    work = tmp_path_factory.mktemp("specs")
    for name, version in PACKAGES:
        (work / f"{name}-{version}.spec").write_text(SPEC.format(name=name, version=version))
    (work / "build").write_text(BUILD)
    tools = mirror.ensure_mirror(images.DEFAULT.id, lambda _: None, TOOLS)
    for fleet in booted(settings, tmp_path_factory.mktemp("fleet"), PORTS[:1]):
        fleet.machines.run(HOST, ["cloud-init", "status", "--wait"])
        fleet.copy(tools, HOST, "/srv/tools")
        fleet.copy(work, HOST, "/srv/specs")
        fleet.machines.run(HOST, ["bash", "-euo", "pipefail", "/srv/specs/build", *TOOLS], seconds=240)
        fleet.give_tool(HOST)
        yield fleet


def packages(fleet: Fleet, *names: str, seconds: int = 60) -> str:
    """Run the tool as the component does."""
    return fleet.ssh(HOST, f"{paths.TOOL} packages {seconds} {' '.join(names)}")


def version(fleet: Fleet) -> str:
    """Return the version of haproxy that rpm knows."""
    return fleet.ssh(HOST, "rpm -q --queryformat '%{VERSION}' haproxy")


def test_packages_are_installed_by_dnf(fleet: Fleet) -> None:
    wanted = ("haproxy=2.6.12-1", "keepalived", "socat", "curl")
    assert f"installed {' '.join(wanted)}" in packages(fleet, *wanted)
    assert "already there" in packages(fleet, *wanted)
    # dnf's own way to say it is understood too.
    assert "already there" in packages(fleet, "haproxy-2.6.12", "haproxy=2.6.*")
    assert version(fleet) == "2.6.12"


def test_a_configuration_that_the_package_did_not_ship_is_refused(fleet: Fleet) -> None:
    plan = examples.planned(examples.topology())
    bundle = render.haproxy_bundle(plan, plan.balancers[0])
    fleet.ssh(HOST, f"cp -p {paths.HAPROXY_CFG} /root/shipped && echo '# mine' >>{paths.HAPROXY_CFG}")
    with pytest.raises(OSError, match=f"{paths.HAPROXY_CFG} is a configuration that somebody else made"):
        fleet.ssh(HOST, f"{paths.TOOL} apply haproxy", stdin=bundle)
    fleet.ssh(HOST, f"cp -p /root/shipped {paths.HAPROXY_CFG}")
    assert "applied and healthy" in fleet.ssh(HOST, f"{paths.TOOL} apply haproxy", stdin=bundle)


def test_another_version_is_installed_under_a_service_that_runs_on(fleet: Fleet) -> None:
    def main_pid() -> str:
        return fleet.ssh(HOST, "systemctl is-active haproxy; systemctl show -p MainPID --value haproxy")

    before = main_pid()
    assert before.startswith("active")
    for wanted, got in (
        ("haproxy=2.6.99", "2.6.99"),
        ("haproxy-2.6.12", "2.6.12"),
        ("haproxy=2.6.9*", "2.6.99"),
    ):
        assert f"installed {wanted}" in packages(fleet, wanted)
        assert version(fleet) == got
        assert main_pid() == before
    # Only the installation was kept from restarting it.
    fleet.ssh(HOST, "systemctl restart haproxy")
    assert main_pid() != before


def test_what_no_repository_has_fails_at_once_in_dnfs_words(fleet: Fleet) -> None:
    with pytest.raises(
        OSError, match=r"(?s)could not install haproxy=9.9 .*No match for argument: haproxy-9.9"
    ):
        packages(fleet, "haproxy=9.9", seconds=600)


def test_the_holder_of_dnfs_lock_is_named(fleet: Fleet) -> None:
    fleet.ssh(HOST, "sleep 300 </dev/null >/dev/null 2>&1 & echo $! >/var/cache/dnf/metadata_lock.pid")
    with pytest.raises(OSError, match=r"lock is held by sleep \(pid \d+\)"):
        packages(fleet, "haproxy=2.6.12", seconds=5)
    fleet.ssh(HOST, "pkill -x sleep")
    assert "installed haproxy=2.6.12" in packages(fleet, "haproxy=2.6.12")
