"""A sandbox's name is the machine's, its directory one user's: `sudo make down` must not end what `sudo -E` began."""

import shutil
from pathlib import Path

import pytest

from sandbox import claims, leftovers, lifecycle
from sandbox.errors import SandboxError
from sandbox.settings import Settings

pytestmark = pytest.mark.unit
LAB = Settings("lab", 7500)


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with two caches, and a sandbox in the first."""
    monkeypatch.setattr(claims, "DIRECTORY", tmp_path)
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path / "one"))
    LAB.save()
    claims.claim(LAB)


def test_another_caches_sandbox_is_neither_taken_up_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "teardown", lambda _: pytest.fail("it was removed"))
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path / "two"))
    for step in (lifecycle.up, lifecycle.down):
        with pytest.raises(SandboxError, match=f"use that one with HAVIP_CACHE={tmp_path}/one"):
            step(LAB, print)


def test_ones_own_is_not_refused() -> None:
    claims.refuse_anothers(LAB)


def test_nor_is_one_whose_directory_is_gone_or_that_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(LAB.directory)
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path / "two"))
    claims.refuse_anothers(LAB)
    claims.release(LAB)
    claims.release(LAB)
    claims.refuse_anothers(LAB)
