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


def adopting(args: dict[str, Any]) -> None:
    """Let the HaVip be one that was made by hand, to which the first balancer is attached."""
    args["adopt"] = {"ha_vip_id": "havip-1", "balancers": [HOSTS[0]]}


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
    assert found["HAVIP_COMMAND"].endswith(f"/hostctl retire cp -- {HOSTS[0]}")
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


def test_a_host_that_goes_with_its_instance_hands_over_before_it_is_detached() -> None:
    def with_instance(args: dict[str, Any]) -> None:
        args["balancers"][0]["instance"] = _Vm("vm")

    commands = up(with_instance)[0].of("local:Command")
    found, other = commands["cp-k8s-master01-handover"], commands["cp-k8s-master02-handover"]
    assert not {"create", "update"} & set(found.inputs)
    assert found.inputs["delete"] == "python3 -"
    assert "delete" not in other.inputs, "an argument that is left out later would act on a host that stays"
    assert not found.deleted_with, "it is what acts then"
    assert found.depends_on >= {"cp-k8s-master01-attachment", "cp-k8s-master01-removal"}
    assert found.inputs["triggers"] == ["i-1"]
    assert found.delete_before_replace
    assert environment(found)["HAVIP_COMMAND"].endswith("/hostctl hand-over cp -- k8s-master01")


def test_a_host_knows_the_name_that_its_removal_calls_it_by() -> None:
    commands = up()[0].of("remote:Command")
    for host in HOSTS:
        assert commands[f"cp-{host}-join"].inputs["create"].endswith(f"/hostctl join {host}")


def test_an_error_can_name_what_leaves_the_host_as_it_is() -> None:
    assert {environment(one)["HAVIP_NAME"] for one in removals().values()} == {
        f"cp-{host}-removal" for host in HOSTS
    }


def test_only_an_adopted_attachment_is_said_to_stay() -> None:
    assert {environment(one)["HAVIP_STAYS_ATTACHED"] for one in removals().values()} == {""}
    found = removals(adopting)
    assert environment(found[HOSTS[0]])["HAVIP_STAYS_ATTACHED"] == "yes"
    assert environment(found[HOSTS[1]])["HAVIP_STAYS_ATTACHED"] == ""


def test_what_was_held_back_is_started_when_all_hosts_are_rid_of_the_stack() -> None:
    commands = up(adopting)[0].of("local:Command")
    last = commands["cp-hand-back"]
    assert not {"create", "update"} & set(last.inputs)
    assert last.secrets == {"environment", "stdin"}
    assert all(last.name in commands[f"cp-{host}-removal"].depends_on for host in HOSTS)
    assert not last.depends_on & {f"cp-{host}-removal" for host in HOSTS}
    told = json.loads(environment(last)["HAVIP_HOSTS"])
    assert set(told) == set(HOSTS)
    assert all(json.loads(host["ssh"])["private_key"] == KEY for host in told.values())
    assert {host["start"].rpartition(" ")[2] for host in told.values()} == {"hand-back"}


def test_who_needs_the_vip_goes_before_anybody_hands_it_over() -> None:
    def with_instances(args: dict[str, Any]) -> None:
        for number, balancer in enumerate(args["balancers"]):
            balancer["instance"] = _Vm(f"vm{number}")

    commands = up(with_instances)[0].of("local:Command")
    assert {f"cp-{host}-handover" for host in HOSTS} <= commands["cp-ready"].depends_on


def test_nothing_is_started_for_a_vip_that_goes_with_the_stack() -> None:
    assert "cp-hand-back" not in up()[0].of("local:Command")
