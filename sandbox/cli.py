"""The ``sandbox`` command."""

import json
import os
import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from sandbox import lifecycle, needs
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.faults import cli as fault_cli
from sandbox.progress import console, to_console
from sandbox.settings import Settings
from sandbox.stack import cli as stack_cli
from sandbox.stack import flow
from sandbox.stack.ssh_key import ensure_key
from sandbox.words import in_words

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A small local Alibaba Cloud: API, hosts and network. `sandbox stack up` runs the program on it.",
)
app.add_typer(stack_cli.app, name="stack")
app.add_typer(fault_cli.app, name="fault")

Name = typer.Option("dev", help="Name of the sandbox; several run side by side.")
SshCommand = typer.Argument(None, help="What to run there; a shell if not given.")
SshHost = typer.Argument(help="Name or instance id.")
AsJson = typer.Option(False, "--json", help="One JSON object.")
Host = typer.Argument(None, help="Name or instance id; the server's own log if not given.")


def settings_of(name: str) -> Settings:
    """The settings the sandbox of that name was started with, else the defaults."""
    return Settings.load(name) or Settings(name)


@app.command()
def up(
    name: str = Name,
    port: int = typer.Option(7443, help="Loopback TCP port of the API."),
    eip_range: str = typer.Option("127.66.0.0/24", help="Loopback addresses handed out as EIPs."),
) -> None:
    """Start the sandbox, or find it running. Hosts it had before are taken up again."""
    wanted = Settings(name, port, IPv4Network(eip_range))
    stored = Settings.load(name)
    if stored and stored != wanted and (port, eip_range) != (7443, "127.66.0.0/24"):
        raise SandboxError(
            f"sandbox {name!r} exists with port {stored.port} and EIPs in {stored.eip_range}; "
            f"remove it first to change them: sandbox down --name {name}"
        )
    needs.ensure(to_console)
    lifecycle.up(stored or wanted, to_console)
    to_console(f"Sandbox {name!r} answers on https://{(stored or wanted).endpoint}")


@app.command()
def prepare() -> None:
    """Put toolchain, host image and package mirror into the cache; quick when they are there."""
    flow.prepare(to_console)


@app.command()
def down(name: str = Name) -> None:
    """Remove the sandbox with its hosts, network and state. Finds what a crash left; safe to repeat."""
    lifecycle.down(settings_of(name), to_console)


@app.command()
def status(
    name: str = Name,
    as_json: bool = typer.Option(False, "--json", help="One JSON object, with the API's credentials."),
) -> None:
    """Show hosts, addresses, HaVips and who holds each, and what security groups let through."""
    current = Control(settings_of(name)).status()
    if as_json:
        typer.echo(current.to_json())
        return
    for table in (hosts_table, ha_vips_table, security_groups_table):
        console.print(table(current.content))


def hosts_table(content: dict[str, Any]) -> Table:
    """Hosts as a table."""
    table = Table("host", "id", "address", "EIP", "state", title=f"sandbox on https://{content['api']}")
    for host in content["hosts"]:
        table.add_row(host["name"], host["id"], host["address"], host["eip"] or "", host["state"])
    return table


def ha_vips_table(content: dict[str, Any]) -> Table:
    """HaVips as a table."""
    names = {host["id"]: host["name"] for host in content["hosts"]}
    table = Table("HaVip", "address", "EIP", "attached", "held by")
    for vip in content["ha_vips"]:
        attached = ", ".join(sorted(names.get(one, one) for one in vip["attached"]))
        table.add_row(
            vip["id"], vip["address"], vip["eip"] or "", attached, names.get(vip["holder"], "nobody")
        )
    return table


def security_groups_table(content: dict[str, Any]) -> Table:
    """Security groups in words as a table."""
    names = {group["id"]: group["name"] or group["id"] for group in content["security_groups"]}
    table = Table("security group", "members", "what it does")
    for group in content["security_groups"]:
        members = [host["name"] for host in content["hosts"] if group["id"] in host["security_groups"]]
        table.add_row(names[group["id"]], ", ".join(members), "\n".join(in_words(group, names)))
    return table


def host_named(name: str, host: str) -> dict[str, Any]:
    """The host with that name or id. Raises :class:`SandboxError` naming the ones there are."""
    return Control(settings_of(name)).host(host)


@app.command(context_settings={"ignore_unknown_options": True})
def ssh(
    host: str = SshHost,
    command: list[str] = SshCommand,
    name: str = Name,
) -> None:
    """Log in to a host through its EIP, with the dev stack's key."""
    settings = settings_of(name)
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


@app.command()
def logs(host: str = Host, name: str = Name, as_json: bool = AsJson) -> None:
    """Print a host's console, or the log of the sandbox's server."""
    settings = settings_of(name)
    file = settings.directory / "server.log"
    if host:
        file = settings.hosts / host_named(name, host)["id"] / "console.log"
    text = existing_text(name, file)
    if as_json:
        typer.echo(json.dumps({"file": str(file), "lines": text.splitlines()}, indent=2))
    else:
        typer.echo(text, nl=False)


@app.command("api-log")
def api_log(
    name: str = Name,
    as_json: bool = typer.Option(False, "--json", help="One JSON list instead of a JSON object a line."),
) -> None:
    """Print every API call as JSON lines: time, action, parameters, code, milliseconds."""
    text = existing_text(name, settings_of(name).directory / "api.log")
    if as_json:
        typer.echo(json.dumps([json.loads(line) for line in text.splitlines()], indent=2, ensure_ascii=False))
    else:
        typer.echo(text, nl=False)


def existing_text(name: str, file: Path) -> str:
    """The text of a log; empty before its first line. Raises :class:`SandboxError` for a sandbox that is not there."""
    if not Settings.load(name):
        raise SandboxError(f"sandbox {name!r} does not exist; start it with: sandbox up --name {name}")
    return file.read_text(errors="replace") if file.exists() else ""


def main() -> None:
    """Run the command; a :class:`SandboxError` is one message and exit 1, never a traceback."""
    try:
        app()
    except SandboxError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        # A full disk, a file somebody else owns: the system's own words say what and where.
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("interrupted; `make up` goes on from here", style="red")
        sys.exit(130)
