"""What the catalogue says of its faults."""

import pytest

from drill.configurations import check_installed
from drill.errors import DrillError
from drill.faults import CATALOGUE
from tests.unit.drill.fake import scene

pytestmark = pytest.mark.unit


def test_a_holder_that_leaves_in_order_is_held_to_the_handover() -> None:
    promised = scene(handover=500, host_loss=900, backend_loss=5000)
    stopped, rebooted = CATALOGUE["keepalived-stopped"], CATALOGUE["holder-rebooted"]
    assert (stopped.budget_ms(promised), stopped.lasting_ms(promised)) == (500, None)
    assert (rebooted.budget_ms(promised), rebooted.lasting_ms(promised)) == (500, 5000)


def test_a_promise_is_not_overlooked_because_the_stack_is_older() -> None:
    with pytest.raises(DrillError, match="handover"):
        CATALOGUE["keepalived-stopped"].budget_ms(scene(host_loss=900))
    assert CATALOGUE["haproxy-hung"].budget_ms(scene(process_hang=-1)) is None
    assert CATALOGUE["both-rebooted"].budget_ms(scene(host_loss=900)) is None
    assert (
        CATALOGUE["haproxy-hung"].budget_ms(scene()) is None
    )  # another configuration, which promises nothing


def test_another_configuration_is_not_taken_for_the_stack_s_own() -> None:
    check_installed(
        scene(lambda _: "/etc/systemd/system/haproxy.service.d/kube-apiserver-havip.conf\n").stack
    )
    with pytest.raises(DrillError, match="make verify"):
        check_installed(scene(lambda _: "").stack)
