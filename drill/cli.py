"""The ``drill`` command."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from components.enums import Preset
from components.planning.failover import PRESETS
from drill import options, series
from drill.checker import Record, Verdict
from drill.configurations import OTHERS, captured, check_installed, install, put_back, restored
from drill.cost.cli import cost
from drill.errors import DrillError
from drill.faults import CATALOGUE, SHORT, SIDE_BY_SIDE, Fault, demanded, fitting, named
from drill.left import Left
from drill.load_cli import load, streams
from drill.options import (
    PROJECT,
    Login,
    Output,
    Outputs,
    Project,
    Sandbox,
    StackName,
    alone,
    engine_of,
)
from drill.report import write
from drill.runner import Runner
from drill.stack import Stack
from drill.workload.clients import Load
from sandbox.errors import INTERRUPTED, SandboxError
from sandbox.interrupts import heed, uninterrupted
from sandbox.progress import console, to_console
from sandbox.stack.engine import Engine

HELP = """
How long is the control plane's endpoint down when something breaks? Injects faults into a running stack, one at a
time, while clients outside and on the masters send requests and hold streams; then says, for each fault, what they
saw and whether that is within what the stack promises (its output `budget`).

\b
    sandbox/run drill                          the short set on the dev stack (make drill; make up first)
    sandbox/run drill --all                    every fault (make drill-all)
    sandbox/run drill --only haproxy-killed    one fault; repeat the option for more
    sandbox/run drill --outputs blue_          on the endpoint of these outputs, in a stack of several
    sandbox/run drill faults                   what there is
    sandbox/run drill compare                  this project beside the how-to and kubeadm's example
    sandbox/run drill load                     requests a second, with and without the endpoint in between
    sandbox/run drill streams                  8,000 idle streams for ten minutes
    sandbox/run drill cost                     seconds and memory of the program itself
    sandbox/run drill report                   judge the newest series again from its data

Everything seen is kept in build/drill/runs/; the report is build/drill/report.html, the figures are in
build/drill/latest.json. A fault is always healed, also after ^C; the drill stops if redundancy does not come back.
Exit status: 0 if every verdict is `within`, 2 if one is `over`, 3 if one is `unknown` and none over (one to which
nothing is promised does not count), 1 if the drill itself failed.
"""

PATIENCE_S = 45.0
"""What kubeadm's example takes to notice a stopped HAProxy, and some more."""

app = typer.Typer(
    help=HELP,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
)

Only = Annotated[
    list[str] | None, typer.Option("--only", help="Name of a fault (`drill faults`); repeatable.")
]
Whole = Annotated[bool, typer.Option("--all", help="Every fault instead of the short set.")]
Runs = Annotated[int, typer.Option(min=1, help="How often each fault is injected.")]
Seed = Annotated[int, typer.Option(help="Decides the order with --shuffle.")]
Shuffle = Annotated[bool, typer.Option("--shuffle", help="Random order instead of the catalogue's.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the newest series, as it was begun, where it stopped.")
]
Real = Annotated[
    bool,
    typer.Option(
        "--real-cloud",
        help="The stack runs on a real account: break its hosts, by SSH. Uses the shell's pulumi and credentials.",
    ),
]
SshUser = Annotated[
    str, typer.Option(help="With --real-cloud: user on the masters (root, or one with sudo).")
]
SshOption = Annotated[
    list[str] | None,
    typer.Option(help="With --real-cloud: a word for ssh, e.g. -iKEY or -JBASTION; repeatable."),
]


@app.callback(invoke_without_command=True)
def run(  # noqa: PLR0917 - options of a command line
    context: typer.Context,
    only: Only = None,
    everything: Whole = False,
    runs: Runs = 1,
    seed: Seed = 1,
    shuffle: Shuffle = False,
    resume: Resume = False,
    sandbox: Sandbox = "dev",
    stack: StackName = "dev",
    outputs: Outputs = "",
    project: Project = PROJECT,
    output: Output = series.ROOT,
    real_cloud: Real = False,
    ssh_user: SshUser = "root",
    ssh_option: SshOption = None,
) -> None:
    """Inject faults and judge what clients saw."""
    if context.invoked_subcommand:
        check_place(context)
        return
    if not real_cloud and (ssh_user != "root" or ssh_option):
        raise DrillError(
            "--ssh-user, --ssh-option: hosts of a sandbox are not reached by SSH; add --real-cloud"
        )
    with alone(sandbox, stack, output, real_cloud=real_cloud) as left:
        engine = engine_of(sandbox, stack, project, real_cloud=real_cloud)
        login = Login(ssh_user, tuple(ssh_option or ())) if real_cloud else None
        tested = options.healed_stack(left, engine, sandbox, outputs, login)
        check_installed(tested)
        if not tested.has_outside_client:
            to_console(
                "No client comes from outside the VPC, since the endpoint has no EIP: only the hosts' own are asked"
            )
        faults = (
            demanded(only, tested)
            if only
            else fitting(CATALOGUE if everything else SHORT, tested, to_console)
        )
        endpoint = series.Endpoint(engine.stack, "" if real_cloud else sandbox, outputs, tested.vip)
        names = tuple(fault.name for fault in faults)
        plan = series.Plan((tested.config,), names, runs, seed, shuffle, endpoint)
        directory, plan = _series(output, plan, resume=resume)
        if plan.configs != (tested.config,):
            raise DrillError(
                f"{directory} measures {', '.join(plan.configs)}, the stack has preset {tested.config!r}; go on "
                "with drill compare --resume, or begin a new series"
            )
        runner = Runner(tested, Load(), plan.seed, engine, left=left)
        with reported(output, directory):
            records = series.do(
                plan, directory, lambda one, target: runner.run(one.fault, one.number, target), to_console
            )
        finish(records, output, directory)


def check_place(context: typer.Context) -> None:
    """Raise :class:`DrillError` for options before a subcommand: they would mean nothing, and it another stack."""
    given = [
        max(option.opts, key=len)
        for option in context.command.params
        if option.name
        and (source := context.get_parameter_source(option.name))
        and source.name == "COMMANDLINE"
    ]
    if given:
        raise DrillError(
            f"{', '.join(given)} before {context.invoked_subcommand!r} would be ignored: "
            f"write it after the subcommand (drill {context.invoked_subcommand} --help says what that takes)"
        )


@app.command()
def compare(  # noqa: PLR0917 - options of a command line
    preset: Annotated[
        list[Preset] | None, typer.Option(help="A preset of this project, instead of all; repeatable.")
    ] = None,
    only: Only = None,
    runs: Runs = 5,
    seed: Seed = 1,
    resume: Resume = False,
    sandbox: Sandbox = "dev",
    stack: StackName = "dev",
    project: Project = PROJECT,
    output: Output = series.ROOT,
) -> None:
    """Measure this project beside the how-to and kubeadm's example: same hosts, one run, random order.

    Six faults, five times each, for every configuration; about 40 s a run. Afterwards the stack is as it was.
    """
    presets = list(dict.fromkeys(one.value for one in preset or PRESETS))
    compared = comparable(only)
    with alone(sandbox, stack, output, real_cloud=False) as left:
        engine = engine_of(sandbox, stack, project, real_cloud=False)
        tested = options.healed_stack(left, engine, sandbox, "")
        if not tested.configurable:
            raise DrillError(
                "a comparison changes the preset of this project's program: it needs a stack of that"
            )
        demanded(compared, tested)
        endpoint = series.Endpoint(engine.stack, sandbox, "", tested.vip)
        plan = series.Plan((*presets, *OTHERS), compared, runs, seed, shuffle=True, endpoint=endpoint)
        directory, plan = _series(output, plan, resume=resume)
        with reported(output, directory):
            records = _compared(engine, tested, plan, directory, left)
        finish(records, output, directory)


def _compared(engine: Engine, tested: Stack, plan: series.Plan, directory: Path, left: Left) -> list[Record]:
    """Make every run of a comparison; the stack's own configuration is back afterwards."""
    configs = tuple(config for config in plan.configs if config not in OTHERS)
    own = captured(engine, tested, configs, to_console, left)
    # Not taken for granted: a comparison that was killed left whatever it had installed.
    placed, current = {"config": ""}, {"stack": tested}

    def make(one: series.Run, target: Path) -> None:
        if placed["config"] != one.config:
            placed["config"] = ""
            known = own.get(one.config)
            current["stack"] = put_back(known, tested) if known else install(one.config, tested)
            placed["config"] = one.config
        runner = Runner(current["stack"], Load(), plan.seed, engine, PATIENCE_S, left)
        runner.run(one.fault, one.number, target)

    with restored(engine, tested, left, to_console):
        return series.do(plan, directory, make, to_console)


def comparable(names: Sequence[str] | None) -> tuple[str, ...]:
    """Return the faults to compare. Raises :class:`DrillError` for one that others are not measured with."""
    for name in names or ():
        if name not in SIDE_BY_SIDE:
            raise DrillError(f"fault {name!r}: not for a comparison, which has: {', '.join(SIDE_BY_SIDE)}")
    return tuple(fault.name for fault in named(names or SIDE_BY_SIDE))


def _series(output: Path, plan: series.Plan, *, resume: bool) -> tuple[Path, series.Plan]:
    if not resume:
        return series.begin(output, plan), plan
    directory = series.newest(output)
    return directory, series.going_on(directory, plan.endpoint)


@app.command()
def faults(
    sandbox: Sandbox = "dev",
    stack: StackName = "dev",
    outputs: Outputs = "",
    project: Project = PROJECT,
    real_cloud: Real = False,
) -> None:
    """Show every fault, what the stack promises for it, and which are in the short set."""
    try:
        promised = options.budget_of(engine_of(sandbox, stack, project, real_cloud=real_cloud), outputs)
    except (DrillError, SandboxError) as error:
        promised = {}
        to_console(f"No stack to read budgets from; showing budget names instead of milliseconds: {error}")
    table = Table("fault", "what happens", "promise", "short")
    for fault in CATALOGUE.values():
        table.add_row(fault.name, fault.title, promise(fault, promised), "x" if fault.name in SHORT else "")
    console.print(table)


def promise(fault: Fault, budget: Mapping[str, int]) -> str:
    """What a budget promises for a fault, or the name of that where the budget does not have it."""
    if fault.budget in budget:
        return "-" if budget[fault.budget] < 0 else f"{budget[fault.budget]} ms"
    return fault.budget or "-"


@app.command()
def report(
    directory: Annotated[Path | None, typer.Argument(help="A series; the newest if not given.")] = None,
    output: Output = series.ROOT,
) -> None:
    """Judge a series again from its data, and write the report."""
    found = directory or series.newest(output)
    finish(series.read(found), output, found)


@contextmanager
def reported(output: Path, directory: Path) -> Iterator[None]:
    """However a series ends early, ^C included, report what there is before that is shown."""
    try:
        yield
    except BaseException:
        with uninterrupted(), suppress(DrillError, OSError, ValueError, KeyError):
            show(series.read(directory), output, directory)
        raise


def finish(records: list[Record], output: Path, directory: Path) -> None:
    """Write the report, show the table, and exit with the worst verdict."""
    show(records, output, directory)
    raise typer.Exit(status(records))


def status(records: Sequence[Record]) -> int:
    """Return the exit status. What was measured and has no promise can be nothing but unknown: it decides nothing."""
    if any(one.verdict is Verdict.OVER for one in records):
        return 2
    promised = [one for one in records if one.budget_ms is not None or one.gap_ms is None]
    return 3 if any(one.verdict is Verdict.UNKNOWN for one in promised) else 0


def show(records: list[Record], output: Path, directory: Path) -> None:
    """Write the report and show the table."""
    page, figures = write(records, directory, output)
    table = Table("config", "fault", "gap", "budget", "failed", "streams lost", "whole again", "verdict")
    for one in records:
        table.add_row(
            one.config,
            one.fault,
            shown(one.gap_ms),
            shown(one.budget_ms),
            f"{one.failed}/{one.total}",
            str(one.streams_lost),
            shown(one.whole_again_ms),
            str(one.verdict),
        )
    console.print(table)
    to_console(f"{page}\n{figures}")


def shown(milliseconds: float | None) -> str:
    """A time for a table."""
    return "-" if milliseconds is None else f"{milliseconds:.0f} ms"


app.command()(load)
app.command()(streams)
app.command()(cost)


def main() -> None:
    """Run the command; an error is one message and exit 1, never a traceback. Who ends it has its fault healed."""
    heed()
    try:
        app()
    except (DrillError, SandboxError, OSError, json.JSONDecodeError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except SystemExit as ended:
        # What typer makes of a KeyboardInterrupt.
        if ended.code == INTERRUPTED:
            console.print("interrupted; what was injected is healed. Go on with: --resume", style="red")
        raise
