"""Changes that people make to a running stack, through ``pulumi up``; healing is to change them back."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from drill.engine import up
from drill.errors import DrillError
from drill.faults.fault import Doing, Scene
from sandbox.stack.engine import Engine
from sandbox.stack.ssh_key import ensure_key


def changed(changes: Mapping[str, str]) -> Doing:
    """Change keys of the stack's configuration."""

    @contextmanager
    def doing(scene: Scene) -> Iterator[None]:
        engine, before = _engine(scene), dict(scene.changes)
        try:
            scene.changes.update(changes)
            up(engine, scene.changes)
            yield
        finally:
            scene.changes.clear()
            scene.changes.update(before)
            up(engine, scene.changes)

    return doing


@contextmanager
def other_port(scene: Scene) -> Iterator[None]:
    """Let the endpoint answer on the next port, and on its own one besides: clients have not moved yet."""
    port = scene.stack.port
    with changed({"port": str(port + 1), "additionalPorts[0]": str(port)})(scene):
        yield


@contextmanager
def other_key(scene: Scene) -> Iterator[None]:
    """Reach the hosts with another key, which they were given before; the key pair in the cloud stays."""
    engine = _engine(scene)
    old = Path(engine.environment["SANDBOX_SSH_KEY"])
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        new = ensure_key(Path(directory))
        public = new.with_suffix(".pub")
        for host in scene.stack.hosts:
            host.run("cat >>/root/.ssh/authorized_keys", stdin=public.read_text())
            stack.callback(host.run, "sed -i '$d' /root/.ssh/authorized_keys")
        public.write_text(old.with_suffix(".pub").read_text())
        stack.enter_context(changed({"sshPrivateKeyFile": str(new)})(scene))
        yield


@contextmanager
def packages(scene: Scene) -> Iterator[None]:
    """Install the packages anew on the holder: files, and what the distribution does to running services."""
    options = "-o DPkg::Lock::Timeout=60 -o Dpkg::Options::=--force-confold"
    scene.holder.run(
        f"DEBIAN_FRONTEND=noninteractive apt-get {options} install --reinstall --yes haproxy keepalived",
        seconds=180,
    )
    yield


def _engine(scene: Scene) -> Engine:
    if scene.engine is None:
        raise DrillError("a change needs the stack's pulumi")
    return scene.engine
