"""``drill load`` and ``drill streams``."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from drill import options, series
from drill.configurations import check_installed, install, restored
from drill.left import Left
from drill.load import bench, hold
from drill.load.bench import CONNECTIONS
from drill.stack import Stack
from drill.workload.precedence import precedence
from sandbox.progress import console, to_console
from sandbox.stack.engine import Engine


def load(
    *,
    seconds: Annotated[int, typer.Option(help="How long each measurement takes.")] = 10,
    connections: Annotated[list[int] | None, typer.Option(help="At once; repeatable.")] = None,
    howto: Annotated[bool, typer.Option(help="Measure the how-to's configuration, too.")] = True,
    sandbox: options.Sandbox = "dev",
    stack: options.StackName = "dev",
    outputs: options.Outputs = "",
    project: options.Project = options.PROJECT,
    output: options.Output = series.ROOT,
) -> None:
    """Requests a second and p99 through the VIP, straight to one apiserver, and with the how-to's configuration.

    A closed loop on kept connections. Small machines measure their own apiservers' and the client's speed before
    HAProxy's: compare the rows, do not take them for what HAProxy can do.
    """
    counts, found = connections or list(CONNECTIONS), []
    with _measuring(sandbox, stack, project, output, outputs) as (engine, tested, left):
        found += bench(tested, seconds=seconds, connections=counts, straight=True, tell=to_console)
        if howto:
            with restored(engine, tested, left, to_console):
                other = install("howto", tested)
                found += bench(other, seconds=seconds, connections=counts, straight=False, tell=to_console)
    _write(output / "load.json", [asdict(one) for one in found])
    table = Table(
        "way",
        "connections",
        "requests/s",
        "p50",
        "p99",
        "failed",
        "KiB before",
        "KiB open",
        "KiB each",
        "CPU a request",
    )
    for one in found:
        table.add_row(
            one.way,
            str(one.connections),
            f"{one.per_second:.0f}",
            f"{one.p50_ms} ms",
            f"{one.p99_ms} ms",
            str(one.failed),
            "-" if one.haproxy_before_kib is None else f"{one.haproxy_before_kib:.0f}",
            "-" if one.haproxy_open_kib is None else f"{one.haproxy_open_kib:.0f}",
            "-" if one.kilobytes_each is None else f"{one.kilobytes_each:g}",
            "-" if one.microseconds_each is None else f"{one.microseconds_each:g} us",
        )
    console.print(table)


def streams(
    *,
    count: Annotated[
        int, typer.Option(help="Idle streams; each takes a descriptor here and two in HAProxy.")
    ] = 8000,
    minutes: Annotated[float, typer.Option(help="How long they are left alone.")] = 10.0,
    sandbox: options.Sandbox = "dev",
    stack: options.StackName = "dev",
    outputs: options.Outputs = "",
    project: options.Project = options.PROJECT,
    output: options.Output = series.ROOT,
) -> None:
    """Hold thousands of idle streams for minutes, use each once, and say what they cost HAProxy in memory."""
    with _measuring(sandbox, stack, project, output, outputs) as (_, tested, _):
        held = hold(tested, count, minutes, to_console)
    _write(output / "streams.json", asdict(held))
    to_console(
        f"{held.open} of {held.wanted} opened, {held.lost} lost after {held.minutes:g} minutes; HAProxy's "
        f"worker took {held.haproxy_open_mib:g} MiB with them and {held.haproxy_before_mib:g} MiB before"
        + ("" if held.kilobytes_each is None else f", {held.kilobytes_each:g} KiB each")
    )
    if held.open < held.wanted or held.lost:
        raise typer.Exit(2)


@contextmanager
def _measuring(
    sandbox: str, stack: str, project: Path, output: Path, outputs: str
) -> Iterator[tuple[Engine, Stack, Left]]:
    """Give a stack on which nothing else happens; from its spectator endpoint and apiservers are reached."""
    with options.alone(sandbox, stack, output, real_cloud=False) as left:
        engine = options.engine_of(sandbox, stack, project, real_cloud=False)
        tested = options.healed_stack(left, engine, sandbox, outputs)
        check_installed(tested)
        assert tested.sandbox is not None  # noqa: S101 - these commands know no other
        with precedence(tested.sandbox):
            yield engine, tested, left


def _write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n")
