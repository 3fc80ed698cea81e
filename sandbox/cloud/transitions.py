"""Which status follows from which, as data."""

from enum import StrEnum

from sandbox.cloud.dataplane import HostState
from sandbox.cloud.state import HaVip, HaVipStatus, Instance, Phase


class Work(StrEnum):
    """What is being done to a host, or waits for its turn."""

    CREATE = "create"
    START = "start"
    STOP = "stop"
    FORCE_STOP = "force-stop"
    REBOOT = "reboot"
    FORCE_REBOOT = "force-reboot"
    DELETE = "delete"


class InstanceStatus(StrEnum):
    """The status DescribeInstances reports.

    ``FAILED`` is the sandbox's own: no host could be made, or it did not boot. The provider waits for no other status
    then, and says so at once.
    """

    PENDING = "Pending"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"


_BY_PHASE = {
    Phase.CREATING: InstanceStatus.PENDING,
    Phase.FAILED: InstanceStatus.FAILED,
    Phase.RELEASING: InstanceStatus.STOPPING,
}

_BY_HOST = {
    HostState.ABSENT: InstanceStatus.STOPPED,
    HostState.STOPPED: InstanceStatus.STOPPED,
    HostState.STARTING: InstanceStatus.STARTING,
    HostState.RUNNING: InstanceStatus.RUNNING,
    HostState.STOPPING: InstanceStatus.STOPPING,
}

_BY_WORK = {
    (Work.CREATE, HostState.STOPPED): InstanceStatus.STARTING,
    (Work.START, HostState.STOPPED): InstanceStatus.STARTING,
    (Work.STOP, HostState.RUNNING): InstanceStatus.STOPPING,
    (Work.FORCE_STOP, HostState.RUNNING): InstanceStatus.STOPPING,
    (Work.REBOOT, HostState.RUNNING): InstanceStatus.STOPPING,
    (Work.REBOOT, HostState.STOPPED): InstanceStatus.STARTING,
    (Work.FORCE_REBOOT, HostState.RUNNING): InstanceStatus.STOPPING,
    (Work.FORCE_REBOOT, HostState.STOPPED): InstanceStatus.STARTING,
}

STEADY = (InstanceStatus.RUNNING, InstanceStatus.STOPPED)
"""What an instance must be for a HaVip or an EIP to be moved to or from it."""


def instance_status(instance: Instance, host: HostState, work: Work | None) -> InstanceStatus:
    """Return an instance's status from its record, its host and what is under way."""
    if instance.phase is Phase.CREATING and not instance.powered:
        return InstanceStatus.STOPPED  # its disk is being replaced
    if instance.phase in _BY_PHASE:
        return _BY_PHASE[instance.phase]
    if work is not None and (work, host) in _BY_WORK:
        return _BY_WORK[work, host]
    if host is HostState.STOPPED and instance.powered and instance.failure:
        return InstanceStatus.FAILED
    return _BY_HOST[host]


def settle(vip: HaVip) -> None:
    """Complete the asynchronous step of a HaVip, if one is under way."""
    if vip.moving is not None:
        if vip.status is HaVipStatus.ASSOCIATING:
            vip.instances.append(vip.moving)
        else:
            vip.instances.remove(vip.moving)
    vip.moving = None
    vip.status = HaVipStatus.IN_USE if vip.instances else HaVipStatus.AVAILABLE
