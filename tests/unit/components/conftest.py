"""No test of this tier goes to a host, or asks a backend."""

import json

import pytest

from components.preflight import reach, state


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The host keys that hosts show, by host; the others do not answer."""
    keys: dict[str, str] = {}

    def show(endpoint: str) -> str:
        return keys.get(json.loads(endpoint)["host"], "")

    monkeypatch.setattr(reach, "shown_host_key", show)
    return keys


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no SSH agent but a test's own."""
    monkeypatch.delenv(reach.AGENT, raising=False)


@pytest.fixture(autouse=True)
def _new_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every run be the first of its stack: what ``pulumi stack export`` prints of such a one."""
    monkeypatch.setattr(state, "run_pulumi", lambda *_: json.dumps({"version": 3, "deployment": None}))
