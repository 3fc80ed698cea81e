"""One detached process a host: mounts its disk, runs nspawn, and boots it again when it reboots itself.

``python -m sandbox.hosts.supervisor DIRECTORY`` in a mount namespace of its own: no mount outlives it.
"""

import fcntl
import subprocess
import sys
from pathlib import Path

from sandbox import cgroups
from sandbox.errors import SandboxError
from sandbox.hosts import guest, nic
from sandbox.hosts.plan import Plan
from sandbox.names import NETNS_DIRECTORY
from sandbox.shell import environment, run

REBOOT = 133
"""nspawn's exit status when the machine inside asked for a reboot [systemd-nspawn(1)]."""

POWER_OFF = 0
"""The same when it powered itself off in order."""

NSPAWN_STATE = Path("/run/systemd/nspawn")
"""nspawn keeps sockets and directories here; covered with a private tmpfs they go with the process."""

CAPABILITIES = "CAP_NET_ADMIN,CAP_NET_RAW"


def mount(plan: Plan) -> None:
    """Lay the instance's disk over the image."""
    NSPAWN_STATE.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "nspawn", NSPAWN_STATE])
    layers = f"lowerdir={plan.image},upperdir={plan.upper},workdir={plan.work}"
    run(["mount", "-t", "overlay", "-o", layers, "overlay", plan.root])


def boot(plan: Plan) -> int:
    """Run the machine until it powers off or reboots; the status says which."""
    command = ["systemd-nspawn", "--quiet", "--boot", f"--directory={plan.root}", f"--machine={plan.machine}"]
    command += [f"--hostname={plan.spec.hostname}", f"--capability={CAPABILITIES}"]
    command += [f"--network-namespace-path={NETNS_DIRECTORY / plan.namespace}"]
    command += ["--register=no", "--keep-unit", "--settings=no", "--link-journal=no"]
    command += ["--resolv-conf=off", "--timezone=off", f"--bind-ro={plan.mirror}:{guest.MIRROR}"]
    with plan.console.open("ab") as console:
        return subprocess.run(
            cgroups.inside(plan.cgroup, command, cgroups.MACHINE),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            # Like on a machine of its own, root may change what the kernel does with its network.
            env=environment() | {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
            check=False,
        ).returncode


def supervise(plan: Plan) -> int:
    """Boot until the machine powers off. Returns nspawn's last status."""
    spec = plan.spec
    mount(plan)
    while True:
        nic.power_on(plan.namespace, spec.address, spec.prefix, spec.gateway)
        status = boot(plan)
        nic.forget(plan.namespace)
        if status == POWER_OFF:
            plan.off.touch()
        if status != REBOOT:
            return status


def main(directory: Path) -> int:
    """Supervise the host of a directory, unless another process already does."""
    plan = Plan.load(directory)
    with plan.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return supervise(plan)


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except (SandboxError, BlockingIOError) as error:
        sys.exit(f"error: {error}")
