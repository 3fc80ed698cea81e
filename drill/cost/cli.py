"""``drill cost``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from drill import options, series
from drill.cost import figures, measure
from drill.cost.figures import Cost
from drill.cost.planes import MOST, PLANES, bare_and_planes
from drill.errors import DrillError
from drill.healing import heal_configuration
from sandbox.progress import console, to_console
from sandbox.stack.engine import Engine


def cost(
    *,
    planes: Annotated[
        list[int] | None,
        typer.Option(min=1, max=MOST, help="Control planes in one stack; repeatable. Default: 1, 5, 20, 50."),
    ] = None,
    tries: Annotated[int, typer.Option(min=1, help="Of which the quickest counts.")] = 3,
    without_stack: Annotated[
        bool, typer.Option("--without-stack", help="Leave the stack itself out: it need not be up.")
    ] = False,
    sandbox: options.Sandbox = "dev",
    stack: options.StackName = "dev",
    project: options.Project = options.PROJECT,
    output: options.Output = series.ROOT,
) -> None:
    """Seconds and memory of previews and of ups that change nothing, as the number of control planes grows.

    Of the stack; of a bare program and of control planes on a sandbox of their own, without hosts.
    """
    found: list[Cost] = []
    if not without_stack:
        with options.alone(sandbox, stack, output, real_cloud=False) as left:
            engine = options.engine_of(sandbox, stack, project, real_cloud=False)
            heal_configuration(engine, left, to_console)
            found += of_stack(engine, tries)
    for one in bare_and_planes(planes or PLANES, tries):
        found.append(one)
        write(found, output)
    shown = Table(*figures.HEAD)
    for row in figures.rows(found):
        shown.add_row(*row)
    console.print(shown)
    to_console(f"{output / 'cost.md'}\n{output / 'cost.json'}")


def of_stack(engine: Engine, tries: int) -> list[Cost]:
    """Measure a stack that is up. Raises :class:`DrillError` where it is not."""
    if not engine.exists() or not engine.export().get("resources"):
        raise DrillError(
            f"stack {engine.stack!r} is not up; run: make up (or leave it out with --without-stack)"
        )
    return measure.no_ops(engine, "the stack", None, tries)


def write(found: Sequence[Cost], output: Path) -> None:
    """Write what there is so far, for programs and for documents."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "cost.json").write_text(json.dumps(figures.as_data(found), indent=1) + "\n")
    (output / "cost.md").write_text(figures.markdown(found))
