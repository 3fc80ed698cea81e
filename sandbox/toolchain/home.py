"""Assembling a PULUMI_HOME and a bin directory from built parts."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from sandbox.toolchain.parts import LANGUAGE_HOST, Part, combined_key

_BIN = "bin"
_LIBRARY = "lib"
_PACKAGES = Path(__file__).with_name("packages.py")

_LANGUAGE_HOST_LAUNCHER = f"""\
#!/bin/sh
# Starts the language host with its own answer to `python -m pip list` ({_LIBRARY}/pip) and ends it
# when the engine is gone: by itself, this version would stay for good after a `kill -9` of the engine.
home=$(dirname "$(dirname "$(readlink -f "$0")")")
engine=$PPID host=$$
(
    while kill -0 "$engine" && kill -0 "$host"; do sleep 1; done
    kill "$host"
) </dev/null >/dev/null 2>&1 &
PYTHONPATH=$home/{_LIBRARY}${{PYTHONPATH:+:$PYTHONPATH}} exec "$home/libexec/{LANGUAGE_HOST.binary}" "$@"
"""


def assemble(cache: Path, keys: Mapping[Part, str], built: Mapping[Part, Path]) -> Path:
    """Lay out what was built as the engine expects it; return the directory, with what was missing put back.

    The engine finds a plugin at ``plugins/resource-NAME-vVERSION/pulumi-resource-NAME``; a complete one has a
    file ``.lock`` and none ``.partial`` beside that directory. The language host's launcher lies
    beside the engine.
    """
    home = location(cache, keys)
    for part, directory in built.items():
        for file in sorted(directory.iterdir()):
            _place(file, _directory(home, part) / file.name)
        if part.plugin:
            plugin = plugin_file(home, part).parent
            plugin.with_name(plugin.name + ".lock").touch()
    _write(home / _LIBRARY / "pip" / "__main__.py", _PACKAGES.read_text())
    _write(home / _BIN / LANGUAGE_HOST.binary, _LANGUAGE_HOST_LAUNCHER)
    return home


def location(cache: Path, keys: Mapping[Part, str]) -> Path:
    """Where the PULUMI_HOME is or will be: its name changes with what it is made of."""
    scripts = hashlib.sha256(_LANGUAGE_HOST_LAUNCHER.encode() + _PACKAGES.read_bytes()).hexdigest()
    return cache / f"home-{combined_key([*keys.values(), scripts])}"


def bin_directory(home: Path) -> Path:
    """Where ``pulumi`` and its language host are."""
    return home / _BIN


def plugin_file(home: Path, part: Part) -> Path:
    """Where the engine looks for the plugin ``part`` in a PULUMI_HOME, ours or an official one."""
    return home / "plugins" / f"resource-{part.plugin}-v{part.version}" / part.binary


def _directory(home: Path, part: Part) -> Path:
    if part.plugin:
        return plugin_file(home, part).parent
    return home / ("libexec" if part == LANGUAGE_HOST else _BIN)


def _place(source: Path, target: Path) -> None:
    """Make a hard link where the file system can (plugins have hundreds of megabytes), else a copy."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    work = _work(target)
    try:
        os.link(source, work)
    except OSError:
        shutil.copy2(source, work)
    work.replace(target)


def _write(target: Path, text: str) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    work = _work(target)
    work.write_text(text)
    work.chmod(0o755)
    work.replace(target)


def _work(target: Path) -> Path:
    """Name a file beside ``target`` that becomes it by a rename, so that it is there whole or not at all."""
    return target.with_name(f".{target.name}.{os.getpid()}")
