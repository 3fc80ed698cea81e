"""All kinds of faults, and healing by what their records say."""

from sandbox.errors import SandboxError
from sandbox.faults import fault
from sandbox.faults.api import ApiTroubled
from sandbox.faults.disk import DiskFull
from sandbox.faults.fault import Fault, Record, injected
from sandbox.faults.hosts import Frozen, Killed, Rebooted
from sandbox.faults.network import CutOff, Limited, Partitioned, SshCut, SshRefused
from sandbox.faults.services import PackageLock, ServiceHung, ServiceKilled, ServiceStopped
from sandbox.settings import Settings

__all__ = [
    "ApiTroubled",
    "CutOff",
    "DiskFull",
    "Fault",
    "Frozen",
    "Killed",
    "Limited",
    "PackageLock",
    "Partitioned",
    "Rebooted",
    "ServiceHung",
    "ServiceKilled",
    "ServiceStopped",
    "SshCut",
    "SshRefused",
    "heal",
    "injected",
]

KINDS: dict[str, type[Fault]] = {
    kind.__name__: kind
    for kind in (
        ApiTroubled,
        CutOff,
        DiskFull,
        Frozen,
        Killed,
        Limited,
        PackageLock,
        Partitioned,
        Rebooted,
        ServiceHung,
        ServiceKilled,
        ServiceStopped,
        SshCut,
        SshRefused,
    )
}


def of(record: Record) -> Fault:
    """Return the fault a record stands for."""
    return KINDS[record.kind].model_validate(record.fields)


def heal(settings: Settings, *, orphans_only: bool = False) -> list[str]:
    """End every fault in force, or those whose injector is gone, the newest first; return their keys.

    Raises:
        SandboxError: some could not be healed; the others are.

    """
    healed, failed = [], []
    for record in fault.records(settings):
        if orphans_only and not record.orphaned:
            continue
        try:
            of(record).heal(settings)
        except (SandboxError, TimeoutError) as error:
            failed.append(f"{record.key}: {error}")
        else:
            fault.forget(settings, record)
            healed.append(record.key)
    if failed:
        raise SandboxError("these faults could not be healed:\n" + "\n".join(failed))
    return healed
