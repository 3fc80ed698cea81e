"""What the sandbox needs of the machine. What is missing is said all at once, or installed where apt can."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sandbox import cgroups
from sandbox.errors import SandboxError
from sandbox.progress import Report, step
from sandbox.settings import cache_dir
from sandbox.shell import environment, run

PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "apt-ftparchive": "apt-utils",
    "dpkg-deb": "dpkg",
    "nft": "nftables",
    "ip": "iproute2",
    "sysctl": "procps",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "ssh-keygen": "openssh-client",
}
"""Programs the sandbox runs, and Debian's packages that hold them."""

DISK_GIB = 4
"""Toolchain aside: one image, one mirror, and what a handful of hosts write."""

INOTIFY_INSTANCES = 1024
"""The systemd of a host takes about seven of the machine's; with the usual 128 the 18th host would die at its boot."""
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")

MODULES = ("br_netfilter", "overlay", "veth", "nf_tables")

PROBES = {
    "network namespaces and veth pairs (CONFIG_VETH)": "ip link add v0 type veth peer name v1",
    "bridges (CONFIG_BRIDGE)": "ip link add br0 type bridge",
    "nftables with connection tracking (CONFIG_NF_TABLES, CONFIG_NFT_CT)": (
        "nft 'table ip t { chain c { type filter hook prerouting priority -150; ct state new accept; }; }'"
    ),
    "nftables for bridges (CONFIG_NF_TABLES_BRIDGE)": (
        "nft 'table bridge t { chain c { type filter hook forward priority 0; ip protocol 112 drop; }; }'"
    ),
}
"""Kernel features, and a command that only works with them; each runs in a network namespace of its own."""


def ensure(report: Report) -> None:
    """Install missing packages, then check the rest. Raises :class:`SandboxError` with all of it."""
    if os.geteuid() == 0 and missing_packages():
        install(report)
    _raise_inotify_limit()
    _refuse([*_privilege(), *_packages(), *_kernel(), *_cgroups(), *_disk()])


def ensure_without_hosts() -> None:
    """Check what the server itself needs: a cgroup. Raises :class:`SandboxError` with all of it."""
    _refuse([*_privilege(), *_cgroups()])


def _refuse(missing: list[str]) -> None:
    if missing:
        listed = "\n".join(f"  - {need}" for need in missing)
        raise SandboxError(f"this machine cannot run a sandbox yet:\n{listed}")


def missing_packages() -> tuple[str, ...]:
    """Return the Debian packages of programs that are not here."""
    path = environment()["PATH"]
    absent = {package for program, package in PACKAGES.items() if not shutil.which(program, path=path)}
    return tuple(sorted(absent))


def install(report: Report) -> None:
    """Install missing packages with apt. What apt cannot do is left to the check after it."""
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-q", "-y"]
    with suppress(SandboxError), step(report, f"installing {', '.join(missing_packages())}", usually="20 s"):
        run([*command, "update"], seconds=600)
        run(["env", "DEBIAN_FRONTEND=noninteractive", *command, "install", *missing_packages()], seconds=900)


def _raise_inotify_limit() -> None:
    if os.geteuid() == 0 and int(INOTIFY_LIMIT.read_text()) < INOTIFY_INSTANCES:
        INOTIFY_LIMIT.write_text(str(INOTIFY_INSTANCES))


def _privilege() -> Iterator[str]:
    if os.geteuid() != 0:
        yield f"it needs root (this is user {os.geteuid()}): cgroups and namespaces are made; use sudo -E"


def _packages() -> Iterator[str]:
    if packages := missing_packages():
        yield f"packages are not installed: apt-get install {' '.join(packages)}"


def _kernel() -> Iterator[str]:
    for module in MODULES if os.geteuid() == 0 else ():
        with suppress(SandboxError):  # built in, or seen missing below
            run(["modprobe", "-q", module])
    if not Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        yield "the kernel has no br_netfilter (CONFIG_BRIDGE_NETFILTER): modprobe it, or boot another"
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        yield "the kernel has no overlayfs (CONFIG_OVERLAY_FS): modprobe overlay, or another kernel"
    if os.geteuid() != 0 or missing_packages():
        return
    for feature, probe in PROBES.items():
        done = subprocess.run(
            ["unshare", "--net", "sh", "-ec", probe],
            capture_output=True,
            env=environment(),
            text=True,
            check=False,
        )
        if done.returncode:
            yield f"the kernel lacks {feature}: {' '.join(done.stderr.split())[:200]}"


def _cgroups() -> Iterator[str]:
    if not cgroups.hierarchies():
        yield "no cgroup hierarchy is mounted: mount one below /sys/fs/cgroup"


def _disk() -> Iterator[str]:
    place = cache_dir()
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free / 2**30
    if free < DISK_GIB:
        yield f"{place} has {free:.1f} GiB free, {DISK_GIB} are needed: make room or set HAVIP_CACHE"
