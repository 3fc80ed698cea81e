"""ECS instances, many in one call (Ecs 2014-05-26): each action is the one on a single instance, again and again."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from pydantic import Field, JsonValue

from sandbox.api.model import Body, Call, Rehearsable, Repeatable, names
from sandbox.api.registry import ECS, action
from sandbox.cloud import errors, instances
from sandbox.cloud.session import Session
from sandbox.cloud.transitions import InstanceStatus

_MOST = 100


class Batch(Rehearsable, Call):
    """What they share. All or nothing, unless ``SuccessFirst`` is asked for: then each answer says how it went."""

    instance_id: tuple[str, ...] = Field(min_length=1, max_length=_MOST)
    batch_optimization: Literal["AllTogether", "SuccessFirst"] = "AllTogether"


class StartInstances(Batch):
    """ECS API reference, StartInstances."""


class StopInstances(Batch):
    """ECS API reference, StopInstances."""

    force_stop: bool = False
    stopped_mode: Literal["KeepCharging", "StopCharging", "Not-applicable"] = "KeepCharging"


class RebootInstances(Batch):
    """ECS API reference, RebootInstances."""

    force_reboot: bool = False


class DeleteInstances(Rehearsable, Repeatable):
    """ECS API reference, DeleteInstances."""

    not_served = names("TerminateSubscription")

    instance_id: tuple[str, ...] = Field(min_length=1, max_length=_MOST)
    force: bool = False
    force_stop: bool = True


@action(ECS, StartInstances, changes=True)
def start_instances(session: Session, call: StartInstances) -> Body:
    """Boot instances."""
    return _each(session, call, partial(instances.start, session), InstanceStatus.STARTING)


@action(ECS, StopInstances, changes=True)
def stop_instances(session: Session, call: StopInstances) -> Body:
    """Shut instances down."""
    stop = partial(instances.stop, session, force=call.force_stop)
    return _each(session, call, stop, InstanceStatus.STOPPING)


@action(ECS, RebootInstances, changes=True)
def reboot_instances(session: Session, call: RebootInstances) -> Body:
    """Restart instances."""
    reboot = partial(instances.reboot, session, force=call.force_reboot)
    return _each(session, call, reboot, InstanceStatus.STOPPING)


@action(ECS, DeleteInstances, changes=True)
def delete_instances(session: Session, call: DeleteInstances) -> Body:
    """Release instances, all or none."""
    for instance_id in dict.fromkeys(call.instance_id):
        instances.release(session, instance_id, force=call.force, orderly=not call.force_stop)
    return {}


def _each(session: Session, call: Batch, do: Callable[[str], None], then: InstanceStatus) -> Body:
    """Do it to every instance; ``then`` is what it is afterwards."""
    told: list[JsonValue] = []
    for instance_id in dict.fromkeys(call.instance_id):
        known = session.state.instances.get(instance_id)
        before = session.status(known).value if known else ""
        said = {"InstanceId": instance_id, "PreviousStatus": before}
        try:
            do(instance_id)
        except errors.ApiError as error:
            if call.batch_optimization == "AllTogether":
                raise
            told.append({**said, "CurrentStatus": before, "Code": error.code, "Message": error.message})
        else:
            told.append({**said, "CurrentStatus": then.value, "Code": "200", "Message": "success"})
    return {"InstanceResponses": {"InstanceResponse": told}}
