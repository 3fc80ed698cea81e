"""``sandbox fault ...``."""

import signal
import time
from types import FrameType
from typing import Annotated

import typer

from sandbox import output
from sandbox.api.faults import Effect, When
from sandbox.control import Control
from sandbox.faults import fault, kinds
from sandbox.faults.fault import Fault, injected
from sandbox.output import AsJson
from sandbox.progress import to_console
from sandbox.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Break something for a while. Every fault is in force until its command ends: after --seconds, or on ^C. "
    "Then it is healed. What a killed command left, `sandbox fault list` shows and `sandbox fault heal` heals; so "
    "does `sandbox down`. With --json: a line when it is in force, a line when it is healed. "
    "Example: sandbox fault freeze k8s-master01 --seconds 10",
)

Name = Annotated[str, typer.Option(help="Name of the sandbox.")]
Seconds = Annotated[
    float | None,
    typer.Option(min=0, help="Heal after so many seconds; without it, on ^C.", show_default=False),
]
Host = Annotated[str, typer.Argument(help="Name or instance id of a host.")]
Peer = Annotated[str, typer.Argument(help="Name or instance id of another host.")]
Service = Annotated[
    str, typer.Argument(help="A service of the host's systemd, such as haproxy or keepalived.")
]


@app.command()
def kill(host: Host, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False) -> None:
    """Cut a host's power: nobody is told anything. Healed, it boots, with its disk as it was."""
    hold(name, kinds.Killed(host=host_id(name, host)), seconds, json_=json_)


@app.command()
def freeze(host: Host, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False) -> None:
    """Stop a host's processors and its network, as when its hypervisor stalls. Healed, it goes on where it was."""
    hold(name, kinds.Frozen(host=host_id(name, host)), seconds, json_=json_)


@app.command()
def reboot(host: Host, name: Name = "dev", json_: AsJson = False) -> None:
    """Switch a host off and on. Returns when it boots."""
    hold(name, kinds.Rebooted(host=host_id(name, host)), 0, json_=json_)


@app.command("cut-off")
def cut_off(host: Host, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False) -> None:
    """Let no packet in or out of a host. It goes on running, and its link stays up."""
    hold(name, kinds.CutOff(host=host_id(name, host)), seconds, json_=json_)


@app.command()
def partition(
    host: Host, peer: Peer, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False
) -> None:
    """Let no packet through between two hosts; everybody else reaches both."""
    hold(name, kinds.Partitioned(host=host_id(name, host), peer=host_id(name, peer)), seconds, json_=json_)


@app.command()
def limit(
    host: Host,
    kbit: Annotated[int, typer.Option(min=1, help="Bandwidth each way, in kbit/s.")] = 1000,
    name: Name = "dev",
    seconds: Seconds = None,
    json_: AsJson = False,
) -> None:
    """Limit the bandwidth of a host, to it and from it."""
    hold(name, kinds.Limited(host=host_id(name, host), kbit=kbit), seconds, json_=json_)


@app.command("service-kill")
def service_kill(
    host: Host, service: Service, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False
) -> None:
    """Kill every process of a service once (SIGKILL); systemd may start it again. Healed, it runs."""
    hold(name, kinds.ServiceKilled(host=host_id(name, host), service=service), seconds, json_=json_)


@app.command("service-stop")
def service_stop(
    host: Host, service: Service, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False
) -> None:
    """Stop a service in order. Healed, it is started."""
    hold(name, kinds.ServiceStopped(host=host_id(name, host), service=service), seconds, json_=json_)


@app.command("service-hang")
def service_hang(
    host: Host, service: Service, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False
) -> None:
    """Suspend every process of a service (SIGSTOP): it accepts and does not answer. Healed, it goes on."""
    hold(name, kinds.ServiceHung(host=host_id(name, host), service=service), seconds, json_=json_)


@app.command("disk-full")
def disk_full(host: Host, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False) -> None:
    """Leave no free byte on a host's disk. Healed, there is room; files emptied meanwhile stay empty."""
    hold(name, kinds.DiskFull(host=host_id(name, host)), seconds, json_=json_)


@app.command("package-lock")
def package_lock(host: Host, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False) -> None:
    """Hold dpkg's locks on a host, as unattended upgrades do."""
    hold(name, kinds.PackageLock(host=host_id(name, host)), seconds, json_=json_)


@app.command("ssh-refuse")
def ssh_refuse(host: Host, name: Name = "dev", seconds: Seconds = None, json_: AsJson = False) -> None:
    """Refuse new SSH connections to a host, as if no sshd listened."""
    hold(name, kinds.SshRefused(host=host_id(name, host)), seconds, json_=json_)


@app.command("ssh-cut")
def ssh_cut(
    host: Host,
    after: Annotated[
        int, typer.Option(min=0, help="Bytes of a connection, both ways; a login takes 8 KiB.")
    ] = 16384,
    name: Name = "dev",
    seconds: Seconds = None,
    json_: AsJson = False,
) -> None:
    """Reset every SSH connection to a host once so many bytes have passed: cut in the middle of something."""
    hold(name, kinds.SshCut(host=host_id(name, host), after=after), seconds, json_=json_)


@app.command()
def api(
    effect: Annotated[Effect, typer.Argument(help="throttled: 400, unavailable: 503, hanging: no answer.")],
    action: Annotated[
        list[str] | None, typer.Option(help="Only calls of this action, such as CreateHaVip; repeatable.")
    ] = None,
    *,
    when: Annotated[When, typer.Option(help="Before or after the call took effect.")] = When.BEFORE,
    delay: Annotated[float, typer.Option(min=0, help="How late a slow answer is, in seconds.")] = 5.0,
    name: Name = "dev",
    seconds: Seconds = None,
    json_: AsJson = False,
) -> None:
    """Trouble the API: refuse calls, answer late or not at all. `after`: it was done, and the caller is not told."""
    actions = tuple(action or ["*"])
    hold(
        name,
        kinds.ApiTroubled(effect=effect, actions=actions, when=when, delay_s=delay),
        seconds,
        json_=json_,
    )


@app.command("list")
def show(
    name: Name = "dev",
    json_: AsJson = False,
) -> None:
    """Show the faults in force, the newest first, and whether their command still runs."""
    found = fault.records(Settings.existing(name))
    if json_:
        output.answer([{**record.model_dump(), "orphaned": record.orphaned} for record in found])
        return
    for record in found:
        owner = (
            "its command is gone: sandbox fault heal" if record.orphaned else f"held by process {record.pid}"
        )
        typer.echo(f"{record.key}  ({owner})")
    if not found:
        to_console("No fault is in force.")


@app.command()
def heal(
    name: Name = "dev",
    json_: AsJson = False,
) -> None:
    """End all faults in force now, whoever injected them."""
    healed = kinds.heal(Settings.existing(name))
    if json_:
        output.answer(healed)
        return
    to_console(f"Healed: {', '.join(healed)}" if healed else "No fault is in force.")


def host_id(name: str, host: str) -> str:
    """Return the instance id of a host. Raises :class:`SandboxError` naming the hosts there are."""
    return str(Control(Settings.existing(name)).host(host)["id"])


def hold(name: str, wanted: Fault, seconds: float | None, *, json_: bool) -> None:
    """Keep a fault in force for so many seconds, or until ^C, SIGTERM or the end of the terminal.

    In JSON it is a line when it is in force and one when it is healed.
    """
    settings = Settings.existing(name)
    kinds.heal(settings, orphans_only=True)
    told = {
        "kind": type(wanted).__name__,
        "key": wanted.key,
        "fields": wanted.model_dump(mode="json"),
        "seconds": seconds,
    }
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with injected(settings, wanted):
            until = "until ^C" if seconds is None else f"for {seconds:g} s"
            if json_:
                output.event({"state": "in force", **told})
            elif seconds != 0:
                to_console(f"In force {until}: {wanted.key}")
            time.sleep(seconds if seconds is not None else 10**8)
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if json_:
        output.event({"state": "healed", **told})
    else:
        to_console(f"Healed: {wanted.key}" if seconds != 0 else f"Done: {wanted.key}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
