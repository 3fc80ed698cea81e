"""``drill cost``."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from drill import options, series
from drill.cost import PLANES, no_op, previews
from sandbox.progress import console


def cost(
    *,
    planes: Annotated[list[int] | None, typer.Option(help="Control planes in one stack; repeatable.")] = None,
    tries: Annotated[int, typer.Option(min=1, help="Of which the quickest counts.")] = 2,
    sandbox: options.Sandbox = "dev",
    stack: options.StackName = "dev",
    project: options.Project = options.PROJECT,
    output: options.Output = series.ROOT,
) -> None:
    """Seconds and memory of previews and of an up that changes nothing, as the number of control planes grows."""
    with options.alone(sandbox, stack, output, real_cloud=False), tempfile.TemporaryDirectory() as directory:
        engine = options.engine_of(sandbox, stack, project, real_cloud=False)
        found = no_op(engine, tries)
        found += previews(engine, Path(directory), tuple(planes or PLANES), tries)
    output.mkdir(parents=True, exist_ok=True)
    (output / "cost.json").write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    table = Table("program", "operation", "resources", "seconds", "MiB", "ms a resource")
    for one in found:
        each = f"{one.seconds * 1000 / max(1, one.resources):.0f}"
        words = (
            one.program,
            one.operation,
            str(one.resources),
            f"{one.seconds:g}",
            f"{one.megabytes:g}",
            each,
        )
        table.add_row(*words)
    console.print(table)
