"""Assembling a PULUMI_HOME and a bin directory from built parts."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox.toolchain.parts import Part, combined_key

_BIN = "bin"


def assemble(cache: Path, keys: Mapping[Part, str], built: Mapping[Part, Path]) -> Path:
    """Lay out what was built as the engine expects it; return the directory, with what was missing put back.

    The engine finds a plugin at ``plugins/resource-NAME-vVERSION/pulumi-resource-NAME``; a complete one has a
    file ``.lock`` and none ``.partial`` beside that directory. The language host lies beside the engine.
    """
    home = cache / f"home-{combined_key(keys.values())}"
    for part, directory in built.items():
        target = _plugin_directory(home, part) if part.plugin else home / _BIN
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(directory.iterdir()):
            _place(file, target / file.name)
        if part.plugin:
            target.with_name(target.name + ".lock").touch()
    return home


def bin_directory(home: Path) -> Path:
    """Where ``pulumi`` and its language host are."""
    return home / _BIN


def plugin_file(home: Path, part: Part) -> Path:
    """Where the engine looks for the plugin ``part`` in a PULUMI_HOME, ours or an official one."""
    return _plugin_directory(home, part) / part.binary


def _plugin_directory(home: Path, part: Part) -> Path:
    return home / "plugins" / f"resource-{part.plugin}-v{part.version}"


def _place(source: Path, target: Path) -> None:
    """Make a hard link where the file system can (plugins have hundreds of megabytes), else a copy."""
    if target.exists():
        return
    work = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.link(source, work)
    except OSError:
        shutil.copy2(source, work)
    work.replace(target)
