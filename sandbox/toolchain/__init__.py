"""The toolchain: the Pulumi engine, its Python language host and two plugins, installed or built."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.progress import Report
from sandbox.settings import cache_dir
from sandbox.toolchain import build, golang, home, official, parts
from sandbox.toolchain.build import build_missing, is_built
from sandbox.toolchain.errors import ToolchainError

__all__ = ["Toolchain", "ToolchainError", "check", "directories", "ensure", "find_built"]

_CHOICES = ("auto", "official", "built")


@dataclass(frozen=True)
class Toolchain:
    """A toolchain that is ready to use."""

    kind: Literal["built", "official"]
    bin: Path
    """Holds ``pulumi``."""
    home: Path
    """The PULUMI_HOME that holds the plugins."""
    version: str
    """Of the engine."""

    @property
    def pulumi(self) -> Path:
        """The engine's executable."""
        return self.bin / "pulumi"

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Name the variables to set, on top of ``base`` (this process's), so that a plain ``pulumi`` works.

        PATH leads to the engine, then to the Python that runs this; no other toolchain of ours stays on it,
        since the engine takes plugins and language hosts from there first. Language hosts run the Python that
        PULUMI_PYTHON_CMD names, else the first ``python3`` on PATH, which may lie beside an official engine.
        """
        base = os.environ if base is None else base
        python = Path(sys.executable).parent
        path = official.without(base.get("PATH", os.defpath), _directory())
        rest = [entry for entry in path.split(os.pathsep) if entry not in {str(self.bin), str(python)}]
        variables = {
            "PATH": os.pathsep.join([str(self.bin), str(python), *rest]),
            "PULUMI_HOME": str(self.home),
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPYCACHEPREFIX": base.get("PYTHONPYCACHEPREFIX", str(cache_dir() / "pycache")),
        }
        if self.kind == "built":
            # Its plugins are all there; a download that cannot work would only be retried.
            variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        return variables


def check() -> None:
    """Look whether there is an official toolchain, or Go to build one: at once, changing nothing.

    Raises:
        ToolchainError: there is neither.

    """
    _, found = _chosen()
    if not found or found.too_old:
        golang.find_go(parts.ENGINE.directory)


def ensure(report: Report) -> Toolchain:
    """Make a toolchain ready, quickly when it already is, and say what is going on in the meantime.

    ``HAVIP_TOOLCHAIN`` chooses: ``official`` (installed on this machine), ``built`` (from Go modules), or
    ``auto``, the default: the official one if it is there and its plugins can be had, else the built one.

    Raises:
        ToolchainError: it cannot be made ready, and why.

    """
    choice, found = _chosen()
    if found and found.too_old:
        report(f"{found.too_old}: the built toolchain is used")
        found = None
    missing = official.missing_plugins(found) if found else []
    if found and not missing:
        return _official(found)
    if found and choice == "official":
        return _completed(found, report)
    if found and find_built():
        # Built before, it is used again: this machine has shown that the plugins cannot be had.
        names = " and ".join(f"{plugin.plugin} {plugin.version}" for plugin in missing)
        report(
            f"{found.executable} ({found.version}) has no plugin {names}: the built toolchain is used "
            "(HAVIP_TOOLCHAIN=official fetches what is missing)"
        )
    elif found:
        try:
            return _completed(found, report)
        except ToolchainError as reason:
            report(f"building the toolchain instead: {reason}")
    return _build(report)


def _chosen() -> tuple[str, official.Official | None]:
    """Return what ``HAVIP_TOOLCHAIN`` says, and the official toolchain that may be taken, if there is one."""
    choice = os.environ.get("HAVIP_TOOLCHAIN", "auto")
    if choice not in _CHOICES:
        raise ToolchainError(f"HAVIP_TOOLCHAIN is {choice!r}; it must be one of {', '.join(_CHOICES)}")
    found = None if choice == "built" else official.find_official(os.environ, ours=cache_dir())
    if choice == "official" and found and found.too_old:
        raise ToolchainError(
            f"HAVIP_TOOLCHAIN is 'official', and {found.too_old}: upgrade Pulumi, or leave HAVIP_TOOLCHAIN away"
        )
    if choice == "official" and not found:
        raise ToolchainError(
            "HAVIP_TOOLCHAIN is 'official', and there is no pulumi with its Python language host on PATH or in "
            "the bin directory of PULUMI_HOME (~/.pulumi): install Pulumi, or leave HAVIP_TOOLCHAIN away"
        )
    return choice, found


def _official(found: official.Official) -> Toolchain:
    return Toolchain("official", found.executable.parent, found.home, found.version)


def _completed(found: official.Official, report: Report) -> Toolchain:
    official.install_missing_plugins(found, report)
    return _official(found)


def find_built() -> Toolchain | None:
    """Return the built toolchain if the cache holds all of it for this checkout; build nothing."""
    try:
        go, keys = _inputs()
    except ToolchainError:
        return None
    return _assembled(go, keys, lambda _: None) if is_built(_directory(), keys) else None


def directories() -> tuple[Path, ...]:
    """Return every directory that this checkout's built toolchain consists of, whether it is there or not."""
    try:
        _, keys = _inputs()
    except ToolchainError:
        return ()
    return (*build.directories(_directory(), keys).values(), home.location(_directory(), keys))


def _build(report: Report) -> Toolchain:
    go, keys = _inputs()
    return _assembled(go, keys, report)


def _assembled(go: golang.Go, keys: Mapping[parts.Part, str], report: Report) -> Toolchain:
    built = build_missing(_directory(), keys, go, report)
    place = home.assemble(_directory(), keys, built)
    return Toolchain("built", home.bin_directory(place), place, parts.ENGINE.version)


def _inputs() -> tuple[golang.Go, dict[parts.Part, str]]:
    go = golang.find_go(parts.ENGINE.directory)
    return go, {part: parts.key(part, go.version) for part in parts.PARTS}


def _directory() -> Path:
    return cache_dir() / "toolchain"
