"""Finding an official Pulumi installation, and fetching the plugins it lacks."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.progress import Report
from sandbox.toolchain.errors import ToolchainError
from sandbox.toolchain.home import plugin_file
from sandbox.toolchain.parts import LANGUAGE_HOST, PLUGINS, PULUMI_VERSION, Part

_INSTALL_LIMIT = 600.0
_FAILED_DOWNLOADS = 2
"""The engine tries a download five times; after so many failures there is no download site within reach."""


@dataclass(frozen=True)
class Official:
    """An installed Pulumi that is not ours."""

    executable: Path
    home: Path
    version: str
    path: str
    """PATH without what is ours."""

    @property
    def too_old(self) -> str:
        """Why it cannot be used; empty if it can. One of unknown version is taken for new."""
        release = re.match(r"v?(\d+)\.(\d+)", self.version)
        if not release or (int(release[1]), int(release[2])) >= PULUMI_VERSION:
            return ""
        oldest = ".".join(map(str, PULUMI_VERSION))
        return f"{self.executable} is {self.version}, too old; Pulumi {oldest} or newer is needed"


def find_official(environment: Mapping[str, str], ours: Path) -> Official | None:
    """Find the first ``pulumi`` outside ``ours`` that has the Python language host with it and is not too old.

    Where all are too old, the first one: somebody may ask for it, and is told.

    Where to look: PATH, then ``bin`` of the PULUMI_HOME, where Pulumi's installer puts it.
    """
    home = _home(environment, ours)
    path = without(environment.get("PATH", ""), ours)
    first: Official | None = None
    for directory in (*path.split(os.pathsep), str(home / "bin")):
        executable = shutil.which("pulumi", path=directory) if directory else None
        if (
            executable
            and _has_language_host(Path(executable), path, home)
            and (version := _version(executable))
        ):
            found = Official(Path(executable), home, version, path)
            if not found.too_old:
                return found
            first = first or found
    return first


def without(path: str, ours: Path) -> str:
    """Return a PATH without the directories inside ``ours``."""
    return os.pathsep.join(
        entry for entry in path.split(os.pathsep) if entry and not _inside(Path(entry), ours)
    )


def install_missing_plugins(official: Official, report: Report) -> None:
    """Have the installed engine fetch the plugins that it lacks, in the versions of our SDKs.

    Raises:
        ToolchainError: a plugin cannot be had; with the engine's own words.

    """
    for plugin in missing_plugins(official):
        report(f"{plugin.plugin}: fetching the plugin {plugin.version} with {official.executable}")
        _install(official, plugin)


def missing_plugins(official: Official) -> list[Part]:
    """List the plugins that are neither on PATH, where the engine looks first, nor whole in its PULUMI_HOME."""
    return [
        part
        for part in PLUGINS
        if shutil.which(part.binary, path=official.path) is None and not _is_installed(official.home, part)
    ]


def _is_installed(home: Path, part: Part) -> bool:
    """Whether a PULUMI_HOME holds a plugin, and not just the half of it (marked ``.partial``)."""
    file = plugin_file(home, part)
    return file.is_file() and not file.parent.with_name(file.parent.name + ".partial").exists()


def _install(official: Official, plugin: Part) -> None:
    arguments = [
        str(official.executable),
        "plugin",
        "install",
        "resource",
        str(plugin.plugin),
        plugin.version,
    ]
    with tempfile.TemporaryFile("w+") as transcript:
        process = subprocess.Popen(
            [*arguments, "--color=never"],
            env=os.environ | {"PULUMI_HOME": str(official.home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            stdout=transcript,
            stderr=subprocess.STDOUT,
        )
        try:
            status = _wait(process, transcript.fileno())
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        transcript.seek(0)
        words = transcript.read().strip()
    if status != 0:
        last = words.splitlines()[-1] if words else f"exit status {status}"
        raise ToolchainError(
            f"{official.executable} cannot fetch the plugin {plugin.plugin} {plugin.version}: {last}"
        )


def _wait(process: subprocess.Popen[bytes], transcript: int) -> int | None:
    """Return the exit status, or None as soon as downloads fail again and again or the time is over."""
    waited = 0.0
    while waited < _INSTALL_LIMIT:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            waited += 0.2
        if os.pread(transcript, 1 << 16, 0).count(b"Error downloading") >= _FAILED_DOWNLOADS:
            return None
    return None


def _home(environment: Mapping[str, str], ours: Path) -> Path:
    """Its PULUMI_HOME; one of ours, as inside a shell of this project, does not count."""
    explicit = environment.get("PULUMI_HOME")
    if explicit and not _inside(Path(explicit), ours):
        return Path(explicit)
    return Path(environment.get("HOME", str(Path.home()))) / ".pulumi"


def _has_language_host(executable: Path, path: str, home: Path) -> bool:
    """Whether it is where an engine looks: beside it, on PATH, or among the plugins."""
    binary = LANGUAGE_HOST.binary
    beside = executable.resolve().with_name(binary)
    installed = home.glob(f"plugins/language-python-*/{binary}")
    return beside.is_file() or shutil.which(binary, path=path) is not None or any(installed)


def _version(executable: str) -> str | None:
    """Ask what it is; a ``pulumi`` that does not answer within seconds is none."""
    try:
        asked = subprocess.run(
            [executable, "version"],
            env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            timeout=15,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip() or "of unknown version"


def _inside(path: Path, directory: Path) -> bool:
    return path.resolve().is_relative_to(directory.resolve())
