"""Masters that exist are tried with SSH before anything changes: what stops a run, and what does not."""

import pulumi
import pytest

from components.preflight import reach
from components.preflight.reach import Login
from templates.local.openssh import Endpoint, LoginRefused, SshError, Unreachable

pytestmark = pytest.mark.unit
DOWN = Unreachable("ssh: connect to host 10.0.0.13 port 22: No route to host")
REFUSED = LoginRefused("root@10.0.0.13: Permission denied (publickey).")


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> dict[str, SshError]:
    """What ssh says of a host, by name; the others let us in."""
    found: dict[str, SshError] = {}
    monkeypatch.setattr(reach, "complaint", lambda login: found.get(login.name))
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/ssh")
    return found


def check() -> None:
    names = {"m1": True, "m2": True, "m3": False}
    reach.check([Login(name, Endpoint("h"), balancer=one) for name, one in names.items()])


def test_a_balancer_that_is_down_stops_the_run(complaints: dict[str, SshError]) -> None:
    complaints.update(m2=DOWN, m3=DOWN)
    with pytest.raises(pulumi.RunError, match="nothing was changed") as refused:
        check()
    assert "m2" in str(refused.value)
    assert "m3" not in str(refused.value)


def test_a_master_that_balances_nothing_may_be_down(
    complaints: dict[str, SshError], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    complaints["m3"] = DOWN
    check()
    assert said == [f"m3: no SSH, nothing is asked from there: {DOWN}"]


def test_a_login_that_is_refused_stops_the_run_wherever(complaints: dict[str, SshError]) -> None:
    complaints["m3"] = REFUSED
    with pytest.raises(pulumi.RunError, match=r"m3: root@10.0.0.13: Permission denied"):
        check()
