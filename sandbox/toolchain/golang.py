"""The go command: is it there, is it new enough, what does it build with."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.toolchain.errors import ToolchainError, build_failure
from sandbox.toolchain.parts import GO_VERSION, PULUMI_VERSION, Part

_NEEDED = ".".join(map(str, GO_VERSION))
_REMEDY = (
    f"install Go {_NEEDED} or newer (https://go.dev/dl) and put its bin directory on PATH, "
    f"or install Pulumi {'.'.join(map(str, PULUMI_VERSION))} or newer with the alicloud and command plugins"
)


@dataclass(frozen=True)
class Go:
    """A usable go command."""

    executable: str
    version: str
    """As Go says it, e.g. ``go1.26.8``."""
    module_proxy: str


def find_go(directory: Path) -> Go:
    """Find the go command on PATH and ask it in ``directory``, whose go.mod may make it fetch a newer Go.

    Raises:
        ToolchainError: there is none, it is too old, or it does not work.

    """
    executable = shutil.which("go")
    if executable is None:
        raise ToolchainError(f"no `go` on PATH; the toolchain is built with Go {_NEEDED}: {_REMEDY}")
    asked = subprocess.run(
        [executable, "env", "GOVERSION", "GOPROXY"],
        cwd=directory,
        env=_environment(os.environ),
        capture_output=True,
        text=True,
        timeout=600,  # it may download a Go toolchain
        check=False,
    )
    if asked.returncode != 0:
        words = asked.stderr.strip() or f"exit status {asked.returncode}"
        raise ToolchainError(f"{executable} cannot build with Go {_NEEDED}: {words}\n{_REMEDY}")
    version, _, proxy = asked.stdout.partition("\n")
    if _release(version) < GO_VERSION:
        raise ToolchainError(f"{executable} is {version}, too old; Go {_NEEDED} is needed: {_REMEDY}")
    return Go(executable, version, proxy.strip())


async def build(go: Go, part: Part, output: Path, note: Callable[[str], None]) -> None:
    """Build ``part`` and its companions into the directory ``output``; ``note`` hears what it is busy with.

    Raises:
        ToolchainError: with the go command's own words.

    """
    await _run(
        go,
        part,
        ["build", "-trimpath", "-ldflags", part.linker_flags, "-o", str(output / part.binary), part.package],
        note,
    )
    for companion in part.companions:
        listed = await _run(go, part, ["list", "-m", "-f", "{{.Dir}}", companion.module], note)
        source = Path(listed.strip()) / companion.path
        target = output / source.name
        await asyncio.to_thread(shutil.copyfile, source, target)
        target.chmod(0o755)


async def _run(go: Go, part: Part, arguments: list[str], note: Callable[[str], None]) -> str:
    process = await asyncio.create_subprocess_exec(
        # A build ends with the process that wanted it, however that one ends.
        *("setpriv", "--pdeathsig", "TERM"),
        # The long builds give way to the short steps beside them (an image, packages) and to the person's own work.
        "nice",
        go.executable,
        *arguments,
        cwd=part.directory,
        env=_environment(os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await asyncio.gather(_read(process.stdout), _listen(process.stderr, note))
        status = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if status != 0:
        raise build_failure(part.name, stderr or stdout or f"exit status {status}", go.module_proxy)
    return stdout


async def _read(stream: asyncio.StreamReader | None) -> str:
    return (await stream.read()).decode(errors="replace") if stream else ""


async def _listen(stream: asyncio.StreamReader | None, note: Callable[[str], None]) -> str:
    lines: list[str] = []
    downloads = 0
    if stream is None:
        return ""
    async for raw in stream:
        line = raw.decode(errors="replace")
        if line.startswith("go: downloading "):
            downloads += 1
            note(f"{downloads} modules downloaded")
        else:
            lines.append(line)
    return "".join(lines)


def _environment(base: Mapping[str, str]) -> dict[str, str]:
    """Take the caller's, without what would change what is built or write into the checkout."""
    kept = {
        name: value for name, value in base.items() if name not in {"GOFLAGS", "GOWORK", "GOOS", "GOARCH"}
    }
    return kept | {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}


def _release(version: str) -> tuple[int, ...]:
    """Read ``go1.26.8`` as (1, 26); an unknown form (a development build) counts as newest."""
    major, _, rest = version.removeprefix("go").partition(".")
    minor = "".join(digit for digit in rest.partition(".")[0].partition("rc")[0] if digit.isdigit())
    return (int(major), int(minor)) if major.isdigit() and minor else (GO_VERSION[0] + 1,)
