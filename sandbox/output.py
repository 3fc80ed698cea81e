"""The one form in which all commands answer machines: with ``--json``, JSON on standard output and nothing else there.

Progress, and what is for people, goes to standard error. A command that ends prints one JSON value; one that goes on
(a fault in force, a log that is followed) prints a JSON object a line, as things happen. A failure is a message on
standard error and exit status 1.
"""

import json
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


def answer(content: object) -> None:
    """Print a command's one JSON value."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def event(content: object) -> None:
    """Print one line of a command that goes on; whoever reads has it at once."""
    typer.echo(json.dumps(content, ensure_ascii=False))
