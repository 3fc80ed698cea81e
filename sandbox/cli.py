"""The ``sandbox`` command."""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any

import typer

from sandbox import lifecycle, logs, needs, output, prune, tables, usage
from sandbox.control import Control, NotRunningError
from sandbox.errors import INTERRUPTED, SandboxError
from sandbox.faults import cli as fault_cli
from sandbox.hosts.machine import Machines
from sandbox.interrupts import heed
from sandbox.output import AsJson
from sandbox.progress import console, to_console
from sandbox.settings import Settings
from sandbox.shell import run
from sandbox.stack import cli as stack_cli
from sandbox.stack import flow
from sandbox.stack.ssh_key import ensure_key

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="A small local Alibaba Cloud: its API, hosts that boot, networks that stop what the cloud stops, faults.\n\n"
    "[bold]stack up[/bold] runs this checkout's program on it, as make up does. One of your own, beside it:\n\n"
    "  sandbox up --name lab --port 7500 --eip-range 127.70.0.0/24\n\n"
    "  sandbox status --name lab --json     endpoint, CA and access key, for any client of the API\n\n"
    "  sandbox fault freeze HOST --name lab --seconds 10\n\n"
    "  sandbox down --name lab              nothing is left, whatever state it was in",
)
app.add_typer(stack_cli.app, name="stack")
app.add_typer(fault_cli.app, name="fault")

Name = Annotated[str, typer.Option(help="Name of the sandbox; several run side by side.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is still to come, until ^C.")]


@app.command()
def up(
    name: Name = "dev",
    port: Annotated[int, typer.Option(help="Loopback TCP port of the API.")] = 7443,
    eip_range: Annotated[str, typer.Option(help="Loopback addresses handed out as EIPs.")] = "127.66.0.0/24",
    *,
    without_hosts: Annotated[
        bool,
        typer.Option(
            "--without-hosts", help="The API alone: instances are Running, with no machine and no network."
        ),
    ] = False,
    json_: AsJson = False,
) -> None:
    """Start the sandbox, or find it running. Hosts it had before are taken up again."""
    try:
        wanted = Settings(name, port, IPv4Network(eip_range), with_hosts=not without_hosts)
    except ValueError as invalid:
        raise SandboxError(f"EIP range {eip_range!r}: {invalid}; such as 127.70.0.0/24") from None
    stored = Settings.load(name)
    said = (port, eip_range, without_hosts) != (7443, "127.66.0.0/24", False)
    if stored and stored != wanted and said:
        kind = "" if stored.with_hosts else ", without hosts"
        raise SandboxError(
            f"sandbox {name!r} exists with port {stored.port} and EIPs in {stored.eip_range}{kind}; "
            f"remove it first to change them: sandbox down --name {name}"
        )
    settings = stored or wanted
    if settings.with_hosts:
        needs.ensure(to_console)
    else:
        needs.ensure_without_hosts()
    current = lifecycle.up(settings, to_console)
    without = "" if settings.with_hosts else ", without hosts"
    to_console(f"Sandbox {name!r} answers on https://{settings.endpoint}{without}")
    if json_:
        output.answer(current.content)


@app.command()
def prepare(
    every_image: Annotated[
        bool, typer.Option("--every-image", help="Also the images that the dev stack does not use.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Put toolchain, host image and package mirror into the cache; quick when they are there."""
    places = flow.prepare(to_console, every_image=every_image)
    if json_:
        output.answer({part: str(place) for part, place in places.items()})


@app.command("prune")
def prune_cache(
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without, it is only shown.")] = False,
    json_: AsJson = False,
) -> None:
    """Show, or remove, what the cache holds that this checkout and all sandboxes do without: old builds."""
    unused = prune.find()
    if yes:
        prune.remove(unused)
    if json_:
        output.answer([{"path": str(one.path), "bytes": one.size, "removed": yes} for one in unused])
        return
    for one in unused:
        to_console(f"{one.size / 2**20:7.0f} MiB  {one.path}")
    total = f"{sum(one.size for one in unused) / 2**20:.0f} MiB"
    hint = "removed" if yes else "to be had with: sandbox prune --yes"
    to_console(f"{total} {hint}" if unused else "Nothing in the cache is unused.")


@app.command()
def down(name: Name = "dev", json_: AsJson = False) -> None:
    """Remove the sandbox with its hosts, network and state. Finds what a crash left; safe to repeat."""
    removed = lifecycle.down(Settings.load_or_default(name), to_console)
    if json_:
        output.answer({"removed": removed})


@app.command("list")
def list_(json_: AsJson = False) -> None:
    """Show all sandboxes of this machine, and whether each runs."""
    found = [
        {
            "name": one.name,
            "api": one.endpoint,
            "eip_range": str(one.eip_range),
            "with_hosts": one.with_hosts,
            "running": running(one),
        }
        for one in Settings.all()
    ]
    if json_:
        output.answer(found)
        return
    for each in found:
        state = "runs" if each["running"] else "is not running"
        without = "" if each["with_hosts"] else "without hosts, "
        to_console(f"{each['name']}: https://{each['api']}, EIPs in {each['eip_range']}, {without}{state}")
    if not found:
        to_console("There is no sandbox; start one with: sandbox up")


def running(settings: Settings) -> bool:
    """Whether a sandbox's server answers."""
    try:
        Control(settings).status()
    except NotRunningError:
        return False
    return True


@app.command()
def status(name: Name = "dev", json_: AsJson = False) -> None:
    """Show hosts, addresses, HaVips and who holds each, and what security groups let through.

    With --json also the API's address, CA and access key.
    """
    current = Control(Settings.load_or_default(name)).status()
    if json_:
        output.answer(current.content)
        return
    for table in (tables.hosts, tables.ha_vips, tables.security_groups):
        console.print(table(current.content))
    for what, times in current.not_served.items():
        console.print(f"not served ({times} times): {what}", style="red", markup=False, soft_wrap=True)


@app.command("usage")
def usage_(
    name: Name = "dev",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to watch.")] = 5.0,
    json_: AsJson = False,
) -> None:
    """Measure what the sandbox costs: processor time and memory of its server, each host and each forwarder."""
    shares = usage.measure(Settings.existing(name), seconds)
    if json_:
        output.answer([asdict(share) for share in shares])
    else:
        console.print(tables.usage(shares))


def host_named(name: str, host: str) -> dict[str, Any]:
    """The host with that name or id. Raises :class:`SandboxError` naming the ones there are."""
    return Control(Settings.load_or_default(name)).host(host)


@app.command(context_settings={"ignore_unknown_options": True})
def ssh(
    host: Annotated[str, typer.Argument(help="Name or instance id.")],
    command: Annotated[
        list[str] | None, typer.Argument(help="What to run there; a shell if not given.")
    ] = None,
    name: Name = "dev",
) -> None:
    """Log in to a host through its EIP, with the dev stack's key."""
    settings = Settings.load_or_default(name)
    address = host_named(name, host)["eip"]
    if not address:
        raise SandboxError(
            f"host {host!r} has no EIP, so nothing outside reaches it; set publicMasters: true"
        )
    key = ensure_key(settings.directory / "ssh")
    options = (
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "ConnectTimeout=10",
    )
    arguments = ["ssh", "-i", str(key), *(part for one in options for part in ("-o", one)), f"root@{address}"]
    os.execvp("ssh", [*arguments, *(command or [])])  # noqa: S606 - ssh takes over, as the person asked


@app.command("logs")
def logs_(
    host: Annotated[
        str | None, typer.Argument(help="Name or instance id; the server's own log if not given.")
    ] = None,
    name: Name = "dev",
    *,
    journal: Annotated[bool, typer.Option("--journal", help="The host's journal, not its console.")] = False,
    follow: Follow = False,
    json_: AsJson = False,
) -> None:
    """Print a host's console or journal, or the log of the sandbox's server. A host that is off has both, too."""
    settings = Settings.existing(name)
    if journal and not host:
        raise SandboxError("--journal is a host's: name one, such as: sandbox logs k8s-master01 --journal")
    instance = host_named(name, host)["id"] if host else ""
    if journal:
        command = Machines(settings).journal_command(instance, follow=follow, as_json=json_)
        if json_ and not follow:
            output.answer([json.loads(line) for line in run(command).splitlines()])
            return
        os.execvp(command[0], command)  # noqa: S606 - journalctl takes over
    file = settings.hosts / instance / "console.log" if host else settings.directory / "server.log"
    if follow:
        for line in logs.follow(file, settings.directory):
            output.event({"line": line}) if json_ else typer.echo(line)
    elif json_:
        output.answer({"file": str(file), "lines": logs.lines(file)})
    else:
        print_each(logs.lines(file))


@app.command("api-log")
def api_log(
    name: Name = "dev",
    *,
    follow: Follow = False,
    json_: AsJson = False,
) -> None:
    """Print every API call as JSON lines: time, action, parameters, code, milliseconds. With --json, as one list."""
    settings = Settings.existing(name)
    file: Path = settings.directory / "api.log"
    if follow:
        print_each(logs.follow(file, settings.directory))
    elif json_:
        output.answer([json.loads(line) for line in logs.lines(file)])
    else:
        print_each(logs.lines(file))


def print_each(lines: Iterable[str]) -> None:
    """Print lines as they come."""
    for line in lines:
        typer.echo(line)


def main() -> None:
    """Run the command; an error is one message and exit 1, never a traceback."""
    heed()
    try:
        app()
    except (SandboxError, OSError) as error:
        # Of a full disk, of a file somebody else owns, the system's own words say what and where.
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except SystemExit as ended:
        # What typer makes of a KeyboardInterrupt.
        if ended.code == INTERRUPTED:
            console.print("interrupted; `make up` goes on from here", style="red")
        raise
