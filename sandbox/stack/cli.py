"""``sandbox stack ...``: the program of this checkout on the sandbox."""

import typer

from sandbox import output
from sandbox.output import AsJson
from sandbox.progress import console, to_console
from sandbox.settings import Settings
from sandbox.stack.environment import as_exports
from sandbox.stack.flow import DevStack

app = typer.Typer(no_args_is_help=True, help="Run this checkout's Pulumi program on the sandbox.")

Name = typer.Option("dev", help="Name of the sandbox.")
Stack = typer.Option("dev", help="Name of the stack.")


def dev_stack(name: str, stack: str) -> DevStack:
    """The stack on the sandbox of that name, with the settings that sandbox was started with."""
    return DevStack(Settings.load(name) or Settings(name), to_console, stack)


@app.command()
def up(sandbox: str = Name, stack: str = Stack, json_: AsJson = False) -> None:
    """Toolchain, sandbox and stack, until the VIP answers. Idempotent; recovers after a crash.

    With --json the stack's outputs.
    """
    outputs = dev_stack(sandbox, stack).up()
    if json_:
        output.answer(outputs)
        return
    width = max(map(len, outputs))
    for key, value in outputs.items():
        console.print(f"  {key:<{width}}  {value}", markup=False, soft_wrap=True)
    console.print("\nNext:", style="bold")
    for command, what in (
        (f"curl -k {outputs['endpoint']}/version", "which master answers"),
        ("make status", "hosts, addresses, who holds the VIP"),
        ("make shell", "a shell in which pulumi preview | up | destroy work"),
        ("sandbox/run sandbox ssh k8s-master01", "a look at a host"),
        ("make down", "remove the stack and the sandbox"),
    ):
        console.print(f"  {command:<44} {what}", markup=False, soft_wrap=True)


@app.command()
def down(sandbox: str = Name, stack: str = Stack, json_: AsJson = False) -> None:
    """Destroy the stack and the sandbox; only the cache stays."""
    removed = dev_stack(sandbox, stack).down()
    if json_:
        output.answer({"removed": removed})


@app.command()
def outputs(sandbox: str = Name, stack: str = Stack, json_: AsJson = True) -> None:  # noqa: ARG001 - it always is
    """Print the stack's outputs as one JSON object, with --json or without."""
    output.answer(dev_stack(sandbox, stack).outputs())


@app.command()
def shell(sandbox: str = Name, stack: str = Stack) -> None:
    """A shell in which plain ``pulumi`` works on the stack."""
    dev_stack(sandbox, stack).shell()


@app.command()
def env(sandbox: str = Name, stack: str = Stack, json_: AsJson = False) -> None:
    """Print what ``shell`` exports, to be sourced."""
    environment = dev_stack(sandbox, stack).running_engine().environment
    if json_:
        output.answer(dict(environment))
    else:
        typer.echo(as_exports(environment), nl=False)
