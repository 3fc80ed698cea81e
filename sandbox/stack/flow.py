"""The main job, start to end: toolchain, sandbox, stack, a VIP that answers; and all of it away again."""

import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from sandbox import lifecycle, needs, toolchain
from sandbox.control import Control, Status
from sandbox.errors import SandboxError
from sandbox.hosts import images, mirror
from sandbox.progress import Report, duration
from sandbox.settings import Settings
from sandbox.stack import recovery
from sandbox.stack.engine import PROJECT, Engine
from sandbox.stack.environment import stack_environment

ANSWER_LIMIT_S = 30.0
BACKEND = "state"


@dataclass(frozen=True)
class DevStack:
    """One stack of this checkout on one sandbox."""

    settings: Settings
    report: Report
    stack: str = "dev"
    project: Path = PROJECT

    def up(self) -> dict[str, Any]:
        """Bring everything up and return the stack's outputs. Idempotent; recovers from a crash of any part.

        Raises :class:`SandboxError` with what to do about it; what ran goes on running.
        """
        if not self.settings.with_hosts:
            raise SandboxError(
                f"sandbox {self.settings.name!r} is without hosts, and the stack configures some: take another one, "
                f"or remove this one first: sandbox down --name {self.settings.name}"
            )
        refuse_another_cloud(self.project / f"Pulumi.{self.stack}.yaml", self.settings)
        began = time.monotonic()
        prepare(self.report)
        status = lifecycle.up(self.settings, self.report)
        engine = self.engine(status)
        engine.select()
        self.recover(engine)
        first = "" if engine.export().get("resources") else " (usually 1 min 30 s the first time)"
        self.report(f"Stack {self.stack!r}: pulumi up{first}")
        done = engine.run("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", self.stack)
        self.tell_what_the_provider_does_not(status)
        if done.returncode:
            raise SandboxError("pulumi up failed; its own words are above. What ran goes on running")
        outputs = engine.outputs()
        reached = reach(outputs)
        changed = "up" if engine.last_changes() else "nothing to change"
        took = duration(time.monotonic() - began)
        self.report(f"Stack {self.stack!r}: {changed}; {reached} ({took})")
        return outputs

    def tell_what_the_provider_does_not(self, before: Status) -> None:
        """Say why hosts failed, and what the sandbox was asked for meanwhile that it does not serve.

        The provider may be silent about the latter: of some questions it does without the answer.
        """
        now = Control(self.settings).status()
        for host in now.content["hosts"]:
            if host["failure"]:
                self.report(f"host {host['name']}: {host['failure']}")
        for what, times in now.not_served.items():
            if times > before.not_served.get(what, 0):
                self.report(f"warning: not what the cloud would do: {what}")

    def engine(self, status: Status) -> Engine:
        """The engine with the environment of a running sandbox."""
        tools = toolchain.ensure(self.report).environment()
        environment = stack_environment(self.settings, status, tools, self.stack)
        return Engine(self.stack, environment, self.project)

    def recover(self, engine: Engine) -> None:
        """Mend what a dead engine left: its lock, and cloud objects it made but never recorded."""
        recovery.cancel_dead_lock(engine, self.settings.directory / BACKEND, self.report)
        recovery.recover(engine, Control(self.settings), self.report)

    def running_engine(self) -> Engine:
        """The engine of a sandbox that runs already. Raises :class:`NotRunningError`."""
        return self.engine(Control(self.settings).status())

    def outputs(self) -> dict[str, Any]:
        """The outputs of the stack. Raises :class:`SandboxError` if it is not up."""
        engine = self.running_engine()
        outputs = engine.outputs() if engine.exists() else {}
        if not outputs:
            raise SandboxError(f"stack {self.stack!r} has no outputs: it is not up; run: make up")
        return outputs

    def shell(self) -> None:
        """Replace this process with a shell in which plain ``pulumi`` works on the stack."""
        engine = self.running_engine()
        engine.select()
        environment = {**os.environ, **engine.environment, "PROMPT_COMMAND": ""}
        if sys.stdin.isatty():
            self.report("pulumi preview | up | destroy | refresh | stack output work here; exit leaves")
            environment["PS1"] = f"(sandbox {self.settings.name}) \\w$ "
            arguments = ["bash", "--norc", "-i"]
        else:
            arguments = ["bash", "-s"]
        os.chdir(engine.project)
        os.execvpe("bash", arguments, environment)  # noqa: S606 - the shell is what was asked for

    def down(self) -> tuple[str, ...]:
        """Destroy the stack, then the sandbox with everything it has; return what that was. Idempotent.

        Raises :class:`SandboxError` while another engine changes the stack: it would write its state afterwards,
        and the next sandbox begin with what it does not have.
        """
        recovery.refuse_if_busy(self.stack, self.settings.directory / BACKEND)
        if (self.settings.directory / BACKEND / ".pulumi").exists():
            self._destroy()
        return lifecycle.down(self.settings, self.report)

    def _destroy(self) -> None:
        try:
            status = lifecycle.up(self.settings, self.report)
            engine = self.engine(status)
            if not engine.exists():
                return
            self.recover(engine)
            done = engine.run("destroy", "--yes", "--skip-preview", "--stack", self.stack)
            if done.returncode == 0:
                engine.must("stack", "rm", "--yes", "--preserve-config", self.stack)
        except SandboxError as error:
            self.report(
                f"The stack could not be destroyed first ({error}); its sandbox is removed all the same"
            )


def refuse_another_cloud(file: Path, settings: Settings) -> None:
    """Raise :class:`SandboxError` if a stack's file, where there is one, leads the provider past this sandbox."""
    if not file.exists():
        return
    config = (yaml.safe_load(file.read_text()) or {}).get("config") or {}
    given = config.get("alicloud:endpoints") or []
    # As ``pulumi config set`` writes it, it is JSON in a string.
    services = yaml.safe_load(given) if isinstance(given, str) else given
    named = [f"{service}: {endpoint}" for each in services for service, endpoint in each.items()]
    wrong = [line for line in named if line.partition(": ")[2] != settings.endpoint]
    if wrong or not named:
        raise SandboxError(
            f"{file}: alicloud:endpoints has {', '.join(wrong) or 'nothing'}, and sandbox {settings.name!r} answers "
            f"on {settings.endpoint}: the stack would talk to another cloud; write {settings.endpoint} for each service"
        )


def prepare(report: Report, *, every_image: bool = False) -> dict[str, Path]:
    """Toolchain and host image, side by side; quick when both are in the cache. Where they are.

    With `every_image` those of the catalogue's others are made as well, which else are made when one is used.
    """
    needs.ensure(report)
    # Before the image is begun, which takes a minute: what is missing is said at once.
    toolchain.check()
    with ThreadPoolExecutor(max_workers=2) as pool:
        tools = pool.submit(toolchain.ensure, report)
        host_parts = pool.submit(ensure_host_parts, report)
        places = {"toolchain": tools.result().home, **host_parts.result()}
    for image in images.CATALOGUE if every_image else ():
        mirror.ensure_tools(image, report)
    return places


def ensure_host_parts(report: Report) -> dict[str, Path]:
    """Image, package mirror and the tools taken from it: of the default image."""
    packages = mirror.ensure_mirror(images.DEFAULT.id, report)
    tools = mirror.ensure_tools(images.DEFAULT.id, report)
    return {"image": images.location(images.DEFAULT), "packages": packages, "tools": tools}


def reach(outputs: Mapping[str, Any]) -> str:
    """Wait until the VIP answers from here, where that is possible; say what is so. Raises :class:`SandboxError`."""
    endpoint = outputs["endpoint"]
    if not outputs["eip"]:
        # Nothing leads into the VPC from here, and packets to its addresses must not leave this machine.
        return f"the endpoint is {endpoint}, inside the VPC only: the VIP has no EIP"
    wait_for_answer(endpoint)
    return f"the VIP answers at {endpoint}"


def wait_for_answer(endpoint: str) -> None:
    """Wait until the endpoint answers /readyz with 200. Raises :class:`SandboxError` after half a minute."""
    deadline = time.monotonic() + ANSWER_LIMIT_S
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            # The backends' certificates are their own: whether the endpoint answers is asked, not who signed it.
            answer = httpx.get(f"{endpoint}/readyz", verify=False, timeout=2.0, trust_env=False)  # noqa: S501
            if answer.status_code == httpx.codes.OK:
                return
            last = f"HTTP {answer.status_code}"
        except httpx.TransportError as error:
            last = str(error) or type(error).__name__
        time.sleep(0.2)
    raise SandboxError(
        f"{endpoint}/readyz: {last} for {ANSWER_LIMIT_S:.0f} s; see who holds the VIP with: make status"
    )
