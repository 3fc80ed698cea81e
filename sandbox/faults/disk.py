"""A full disk. Hosts share the machine's file system, so a host's own directories are made full instead."""

from typing_extensions import override

from sandbox.faults.fault import Fault
from sandbox.faults.services import is_on
from sandbox.hosts.machine import Machines
from sandbox.settings import Settings

DIRECTORIES = ("etc", "home", "opt", "root", "srv", "tmp", "usr", "var")
"""Everything on a host's disk that programs write to."""

PLACE = "/run/fault-disk-full"
"""A tiny file system that is full, and on it what was nevertheless changed."""

# Each directory is covered with an overlay whose changes go to a file system without a free byte: what is there is
# readable, files can be created and removed but not filled, as on a full disk. Mounts below a directory, such as
# the package mirror, are carried over.
_FILL = """
place=$1; shift
mkdir -p "$place"
mount -t tmpfs -o size=1m,nr_inodes=4096,mode=755 disk-full "$place"
for name in "$@"; do
    [ -d "/$name" ] || continue
    below=$(awk -v under="/$name/" 'index($5, under) == 1 {print $5}' /proc/self/mountinfo)
    mkdir -p "$place/up/$name" "$place/work/$name" "$place/below"
    chmod --reference="/$name" "$place/up/$name"
    number=0
    for mounted in $below; do
        number=$((number + 1))
        if [ -d "$mounted" ]; then mkdir -p "$place/below/$number"; else touch "$place/below/$number"; fi
        mount --bind "$mounted" "$place/below/$number"
    done
    mount -t overlay -o "lowerdir=/$name,upperdir=$place/up/$name,workdir=$place/work/$name" disk-full "/$name"
    number=0
    for mounted in $below; do
        number=$((number + 1))
        mount --bind "$place/below/$number" "$mounted"
        umount "$place/below/$number"
    done
done
dd if=/dev/zero of="$place/fill" bs=4k 2>/dev/null || true
"""

# What was changed on the full disk stays changed when there is room again: empty files, files removed.
_EMPTY = """
import os, shutil, stat, subprocess, sys
place, names = sys.argv[1], sys.argv[2:]
def mounts():
    lines = (line.split() for line in open("/proc/self/mountinfo"))
    return [(fields[4], fields[fields.index("-") + 2]) for fields in lines]
for name in names:
    while ("/" + name, "disk-full") in mounts():
        subprocess.run(["umount", "--lazy", "/" + name], check=True)  # with what is mounted below
def merge(upper, lower):
    for entry in os.scandir(upper):
        target = os.path.join(lower, entry.name)
        info = entry.stat(follow_symlinks=False)
        if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
            if os.path.isdir(target) and not os.path.islink(target):
                shutil.rmtree(target, ignore_errors=True)
            elif os.path.lexists(target):
                os.remove(target)
        elif entry.is_dir(follow_symlinks=False):
            os.makedirs(target, exist_ok=True)
            merge(entry.path, target)
        elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
            if os.path.lexists(target):
                os.remove(target)
            shutil.copy2(entry.path, target, follow_symlinks=False)
            os.chown(target, info.st_uid, info.st_gid, follow_symlinks=False)
for name in names:
    if os.path.isdir(place + "/up/" + name):
        merge(place + "/up/" + name, "/" + name)
while (place, "disk-full") in mounts():
    subprocess.run(["umount", "--lazy", place], check=True)
"""


class DiskFull(Fault):
    """No byte is free on the host's disk. Healed, there is room; what was changed meanwhile stays. A reboot ends it.

    Files that programs had open before go on growing, as they may in the last blocks of a real disk.
    """

    host: str

    @property
    @override
    def key(self) -> str:
        return f"disk-full {self.host}"

    @override
    def inject(self, settings: Settings) -> None:
        Machines(settings).run(self.host, ["sh", "-euc", _FILL, "fill", PLACE, *DIRECTORIES])

    @override
    def heal(self, settings: Settings) -> None:
        if is_on(settings, self.host):
            Machines(settings).run(self.host, ["python3", "-c", _EMPTY, PLACE, *DIRECTORIES])
