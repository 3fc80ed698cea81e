"""What undoes a host: one command a balancer that acts when it is deleted, before the host loses its attachment."""

import json
from typing import Any

import pulumi
import pytest

from tests.unit.components.engine import Registered, revealed
from tests.unit.components.test_apiserver_vip import KEY, arguments, up

pytestmark = pytest.mark.unit
HOSTS = tuple(balancer["name"] for balancer in arguments()["balancers"])


class _Vm(pulumi.CustomResource):
    """Stands for an ECS instance of the stack."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Vm", name, {"name": name})


def removals(change: Any = None, *, preview: bool = False) -> dict[str, Registered]:
    """The removal of every host, by the host's name."""
    commands = up(change, preview=preview)[0].of("local:Command")
    return {host: commands[f"cp-{host}-removal"] for host in HOSTS}


def environment(command: Registered) -> dict[str, str]:
    """What the removal finds in its environment."""
    found: dict[str, str] = command.inputs["environment"]["value"]  # of the secret
    return found


@pytest.mark.parametrize("preview", [True, False])
def test_nothing_happens_before_it_is_deleted(preview: bool) -> None:
    for command in removals(preview=preview).values():
        assert not {"create", "update"} & set(command.inputs)
        assert command.inputs["delete"] == "python3 -"
        assert "retire" not in revealed(command.inputs["stdin"]).split("HAVIP_COMMAND")[0]
        assert command.secrets == {"environment", "stdin"}


def test_it_says_to_the_host_what_to_undo() -> None:
    found = environment(removals()[HOSTS[0]])
    assert found["HAVIP_HOST"] == HOSTS[0]
    assert found["HAVIP_COMMAND"].endswith("/hostctl retire cp")
    assert json.loads(found["HAVIP_SSH"])["private_key"] == KEY

    def other(args: dict[str, Any]) -> None:
        args["ssh"]["user"] = "ops"

    assert "|| sudo -n /" in environment(removals(other)[HOSTS[0]])["HAVIP_COMMAND"]


def test_no_step_on_a_host_has_a_delete_that_could_wait_for_a_dead_one() -> None:
    for command in up()[0].of("remote:Command").values():
        assert "delete" not in command.inputs, command.name


def test_what_is_done_on_a_host_can_be_undone_from_its_first_step_on() -> None:
    commands = up()[0].of("remote:Command")
    for host in HOSTS:
        assert f"cp-{host}-removal" in commands[f"cp-{host}-tool"].depends_on


def test_hosts_are_undone_in_reverse_order_and_before_they_are_detached() -> None:
    found = removals()
    attachments = {f"cp-{host}-attachment" for host in HOSTS}
    first, last = found["k8s-master02"], found["k8s-master01"]
    assert attachments <= first.depends_on
    assert attachments | {"cp-k8s-master02-removal"} <= last.depends_on


def test_it_goes_with_its_instance_or_before_the_next_one_is_configured() -> None:
    def with_instance(args: dict[str, Any]) -> None:
        args["balancers"][0]["instance"] = _Vm("vm")

    found = removals(with_instance)
    assert (found["k8s-master01"].deleted_with, found["k8s-master02"].deleted_with) == ("vm", "")
    assert found["k8s-master01"].inputs["triggers"] == ["i-1"]
    assert found["k8s-master01"].delete_before_replace
