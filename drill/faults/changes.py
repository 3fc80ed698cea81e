"""Changes that people make to a running stack, through ``pulumi up``; healing is to change them back."""

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drill.engine import must_be_applied, up, up_again
from drill.errors import DrillError
from drill.faults.fault import Injection, Scene, nothing
from drill.hosts import Host
from drill.stack import Stack
from sandbox.hosts.later import later
from sandbox.progress import to_console
from sandbox.stack.engine import Engine
from sandbox.stack.ssh_key import ensure_key

_PACKAGES = ("haproxy", "keepalived")
_OTHERS = ("socat", "curl")
_AUTHORIZED = "/root/.ssh/authorized_keys"
_MAIN_PID = "systemctl show --property MainPID --value keepalived"
"""(HAProxy is reloaded, which its first process outlives.)"""


@dataclass(frozen=True)
class Change:
    """An injection that changes the stack's configuration."""

    keys: frozenset[str]
    """The keys of this project's configuration that it changes, as the project declares them."""
    inject: Injection

    def __call__(self, scene: Scene) -> AbstractContextManager[object]:
        """Return the change of a scene, in force while it is entered."""
        return self.inject(scene)


def _changing(*keys: str) -> Callable[[Injection], Change]:
    """Declare the keys of an injection that finds out only on the stack what to change them to."""
    return lambda inject: Change(frozenset(keys), inject)


def applied(prepare: Injection = nothing) -> Change:
    """Go on only where nothing else would be changed as well; then prepare.

    Before the measurement: looking takes the machine some seconds. Raises :class:`DrillError`.
    """

    @contextmanager
    def injection(scene: Scene) -> Iterator[None]:
        must_be_applied(_engine(scene))
        with prepare(scene):
            yield

    return Change(prepare.keys if isinstance(prepare, Change) else frozenset(), injection)


def changed(*choices: Mapping[str, str]) -> Change:
    """Change keys of the stack's configuration to the first of `choices` that they do not have already.

    Raises :class:`DrillError` if it has them all: the change would change nothing, and prove nothing.
    """

    @contextmanager
    def injection(scene: Scene) -> Iterator[None]:
        engine, before = _engine(scene), dict(scene.changes)
        changes = _news(engine, before, choices)
        try:
            scene.changes.update(changes)
            up(engine, scene.changes, scene.left)
            yield
        finally:
            scene.changes.clear()
            scene.changes.update(before)
            up_again(engine, scene.changes, scene.left)

    # A path begins with its key: haproxy.timeout_client, packages.names[0].
    return Change(frozenset(re.split(r"[.\[]", path)[0] for paths in choices for path in paths), injection)


def _news(
    engine: Engine, before: Mapping[str, str], choices: Sequence[Mapping[str, str]]
) -> Mapping[str, str]:
    for changes in choices:
        if {key: before.get(key) or _configured(engine, key) for key in changes} != changes:
            return changes
    raise DrillError(
        f"{', '.join(f'{key}={value}' for key, value in choices[-1].items())}: the configuration of stack "
        f"{engine.stack!r} says so already, so the change would change nothing, and prove nothing; set another "
        "value there, or leave this fault out"
    )


@_changing("port", "additionalPorts")
@contextmanager
def other_port(scene: Scene) -> Iterator[None]:
    """Let the endpoint answer on another port, and on its own one besides: clients have not moved yet."""
    port, engine = scene.stack.port, _engine(scene)
    others = json.loads(_configured(engine, "additionalPorts") or "[]")
    taken = {port, *others, *(int(_configured(engine, key) or 0) for key in ("monitorPort", "backendPort"))}
    free = next(other for other in range(port + 1, port + 100) if other not in taken)
    with changed({"port": str(free), f"additionalPorts[{len(others)}]": str(port)})(scene):
        yield


@_changing("sshPrivateKeyFile")
@contextmanager
def other_key(scene: Scene) -> Iterator[None]:
    """Reach the hosts with another key, which they were given before; the key pair in the cloud stays."""
    engine = _engine(scene)
    old = Path(engine.environment["SANDBOX_SSH_KEY"])
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        new = ensure_key(Path(directory))
        public = new.with_suffix(".pub")
        added = public.read_text()
        scene.left.note(key=added)
        for host in scene.stack.hosts:
            host.run(f"cat >>{_AUTHORIZED}", stdin=added)
            stack.callback(forget_key, host, added)
        public.write_text(old.with_suffix(".pub").read_text())
        stack.enter_context(changed({"sshPrivateKeyFile": str(new)})(scene))
        yield
    scene.left.forget("key")


def forget_key(host: Host, added: str) -> None:
    """Let a public key in no more. Raises :class:`DrillError`."""
    others = f"grep -vxF -f - {_AUTHORIZED} >{_AUTHORIZED}.new; [ $? -le 1 ]"  # 1: no other key was there
    host.run(f"{others} && cat {_AUTHORIZED}.new >{_AUTHORIZED} && rm {_AUTHORIZED}.new", stdin=added)


@contextmanager
def later_packages_offered(scene: Scene) -> Iterator[None]:
    """Let the balancers of a sandbox find later versions of their packages."""
    with ExitStack() as stack:
        before = {host.name: _versions(host) for host in scene.stack.balancers}
        scene.left.note(packages=before)
        for package in _PACKAGES:
            found = later(package, f"later{time.time():.0f}", to_console)
            for host in scene.stack.balancers:
                host.run(found.offer, stdin=found.stdin, seconds=60)
                stack.callback(host.run, f"rm -f /etc/apt/sources.list.d/later-{package}.list")
        for host in scene.stack.balancers:
            host.run("apt-get -qq update", seconds=60)
            # Else the next fault finds packages that no source has any more. Before the sources go; services may
            # restart, so not before the measurement is over.
            stack.callback(host.run, _install(*before[host.name]), seconds=180)
        yield
    scene.left.forget("packages")


def put_packages_back(host: Host, versions: Sequence[str]) -> None:
    """Install what was there before later versions were offered, which end with it. Raises :class:`DrillError`."""
    host.run(f"dpkg --configure -a; {_install(*versions)}", seconds=240)
    host.run("rm -f /etc/apt/sources.list.d/later-*.list")


@_changing("packages")
@contextmanager
def newest_packages(scene: Scene) -> Iterator[None]:
    """Ask for the newest versions that the package sources of the holder have."""
    newest = "apt-cache policy {0} | sed -n 's/^ *Candidate: /{0}=/p'"
    names = [scene.holder.run(newest.format(package)).strip() for package in _PACKAGES]
    with changed({f"packages.names[{index}]": name for index, name in enumerate([*names, *_OTHERS])})(scene):
        yield


@contextmanager
def packages(scene: Scene) -> Iterator[None]:
    """Install the packages anew on the holder: files, and what the distribution does to running services."""
    before = scene.holder.run(_MAIN_PID).strip()
    scene.holder.run(_install("--reinstall", *_PACKAGES), seconds=180)
    if scene.holder.run(_MAIN_PID).strip() == before:
        raise DrillError(
            f"{scene.holder.name}: keepalived was not restarted by its package, so nothing was measured; see "
            "/var/log/apt/term.log there"
        )
    yield


def _install(*words: str) -> str:
    options = "-o DPkg::Lock::Timeout=60 -o Dpkg::Options::=--force-confold"
    return f"DEBIAN_FRONTEND=noninteractive apt-get -qq {options} install --yes --allow-downgrades {' '.join(words)}"


def _versions(host: Host) -> list[str]:
    """Return what is installed, as NAME=VERSION."""
    return host.run(f"dpkg-query -W -f '${{Package}}=${{Version}}\n' {' '.join(_PACKAGES)}").split()


def cuts_streams(stack: Stack, engine: Engine | None) -> bool:
    """Whether a stack is known to cut dead backends' streams: the configuration is ours, and does not forbid it."""
    if engine is None or not (stack.configurable and stack.budget):
        return False
    return _configured(engine, "haproxy.cut_streams_of_dead_backends").lower() != "false"


def _configured(engine: Engine, key: str) -> str:
    """Return what the stack's configuration has for a key; nothing where it leaves it to its default."""
    return engine.run("config", "get", "--path", key, capture=True).stdout.strip()


def _engine(scene: Scene) -> Engine:
    if scene.engine is None:
        raise DrillError("a change needs the stack's pulumi")
    return scene.engine
