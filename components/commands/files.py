"""``python -m components files``: every file as it will land on each host, before anything is changed.

Asks ``pulumi preview`` for what the program's steps would put there, and shows it file by file; `--diff` shows it
against what the last ``up`` put there. No secret: a password is a step of its own, and stays hidden.
"""

import argparse
import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import tokens
from components.preflight.state import StateError, asked
from components.rendering import bundle, paths

_STEP = f"{tokens.BALANCER_HOST}${tokens.COMMAND}::"
"""In the URN of a step, before its name."""
_PATHS = {"tool": paths.TOOL, "auth": f"/etc/keepalived/{paths.AUTH_NAME}"}
"""Steps that write one file of their own."""
_SECRET = "[secret]"  # noqa: S105 - what the engine shows instead of one
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine's JSON has for a value that is not known yet."""
_UNKNOWN_NOTE = "(not known before the cloud has chosen the VIP or a host's address)\n"


@dataclass(frozen=True)
class FileChange:
    """What one step on one host writes, as it is and as it will be."""

    host: str
    name: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    """File texts by path."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _parser().parse_args(arguments)
    try:
        found = list(steps(asked(options.stack, "preview", "--json", "--show-sames")))
    except StateError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if not found:
        sys.stderr.write("error: the preview has no host that an ApiServerVip configures\n")
        return 2
    wanted = [one for one in found if not options.host or one.host in options.host]
    show = changed if options.diff else whole
    sys.stdout.write("".join(text for one in wanted for text in show(one, tool=options.tool)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m components files", description=__doc__)
    parser.add_argument("host", nargs="*", help="ENDPOINT-HOST as the program names it; default: every one")
    parser.add_argument("--stack", default="", help="default: the selected one")
    parser.add_argument("--diff", action="store_true", help="only what changes, as a line diff")
    parser.add_argument("--tool", action="store_true", help="hostctl too, which is the same everywhere")
    return parser


def steps(preview: Mapping[str, Any]) -> Iterator[FileChange]:
    """Return every step of `preview` that writes files, in the preview's order."""
    for step in preview.get("steps") or []:
        _, found, name = step["urn"].rpartition(_STEP)
        host, what = tokens.host_and_step(name)
        if not found or step["op"] in {"delete", "read-discard"}:
            continue
        before, after = (_files(what, step.get(state) or {}) for state in ("oldState", "newState"))
        if after:
            yield FileChange(host, what, before, after)


def _files(step: str, state: Mapping[str, Any]) -> dict[str, str]:
    stdin = (state.get("inputs") or {}).get("stdin")
    if stdin is None:
        return {}
    if not isinstance(stdin, str):  # a secret that the engine wrapped
        stdin = _SECRET
    if step in _PATHS:
        return {_PATHS[step]: _SECRET + "\n" if step == "auth" else stdin}
    if step not in {"haproxy", "keepalived"}:
        return {}
    if stdin == _UNKNOWN:
        return {f"(files of {step})": _UNKNOWN_NOTE}
    return {f"{path} {mode}": text for path, mode, text in bundle.split(stdin)}


def whole(step: FileChange, *, tool: bool) -> Iterator[str]:
    """Return every file of `step` whole."""
    for path, text in _shown(step, tool=tool):
        yield f"==> {step.host}: {path}\n{text}\n"


def changed(step: FileChange, *, tool: bool) -> Iterator[str]:
    """Return what changes in the files of `step`."""
    for path, text in _shown(step, tool=tool):
        old = step.before.get(path, "")
        lines = difflib.unified_diff(
            old.splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"{step.host}: {path} (now)",
            "(then)",
        )
        yield "".join(lines)
    for path in step.before:
        if path not in step.after:
            yield f"--- {step.host}: {path} goes away\n"


def _shown(step: FileChange, *, tool: bool) -> Iterator[tuple[str, str]]:
    if tool or step.name != "tool":
        yield from step.after.items()
