"""What is done to hosts, as context managers of a scene."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager

from drill.errors import DrillError
from drill.faults.fault import Injection, Scene, Who
from drill.hosts import Host
from sandbox.interrupts import uninterrupted

NOT_READY = "/run/apiserver/not-ready"
APISERVER = "apiserver"
BETWEEN_S = 4.0
"""From a fault to the one that makes it worse: what the first costs is over by then (`backends_death`)."""


def service(what: str, name: str, who: Who, *, stays_dead: bool = False) -> Injection:
    """Stop, kill or hang a service on some hosts."""

    def made(host: Host) -> AbstractContextManager[None]:
        if what == "kill":
            return host.killed(name, stays_dead=stays_dead)
        return {"stop": host.stopped, "hang": host.hung}[what](name)

    @contextmanager
    def injection(scene: Scene) -> Iterator[None]:
        with at_once([made(host) for host in scene.hosts(who)]):
            yield

    return injection


@contextmanager
def at_once(injections: Sequence[AbstractContextManager[object]]) -> Iterator[None]:
    """Enter all side by side: what clients open between two faults would belong to neither. Left one by one."""
    with ExitStack() as healing:
        # Until each is known either to be in force or not to be, nobody may leave.
        with uninterrupted(), ThreadPoolExecutor(len(injections)) as pool:
            entering = [pool.submit(injection.__enter__) for injection in injections]
            for injection, entered in zip(injections, entering, strict=True):
                if entered.exception() is None:
                    healing.push(injection)
        for entered in entering:
            entered.result()
        yield


def machine(what: str, who: Who) -> Injection:
    """Do something to whole hosts: ``off``, ``frozen``, ``rebooted``, ``cut_off``, ``partitioned``."""

    @contextmanager
    def injection(scene: Scene) -> Iterator[None]:
        hosts = scene.hosts(who)
        with at_once([made for host in hosts for made in _made(what, host, scene)]):
            scene.ends_late.extend((host, what) for host in hosts if what in host.ends_late)
            yield

    return injection


def _made(what: str, host: Host, scene: Scene) -> list[AbstractContextManager[None]]:
    if what == "partitioned":
        return [host.partitioned(peer) for peer in scene.peers if peer != host]
    return [host.cut_off(scene.held_s) if what == "cut_off" else getattr(host, what)()]


@contextmanager
def fewer_and_fewer(scene: Scene) -> Iterator[None]:
    """Kill two of the apiservers, and all a while later: what takes the clients of the dead dies too."""
    two, every = scene.hosts(Who.TWO_VICTIMS), scene.hosts(Who.BACKENDS)
    with service("kill", APISERVER, Who.TWO_VICTIMS, stays_dead=True)(scene):
        time.sleep(BETWEEN_S)
        with at_once([host.killed(APISERVER, stays_dead=True) for host in every if host not in two]):
            yield


@contextmanager
def not_ready(scene: Scene) -> Iterator[None]:
    """Let the victim's apiserver say it is not ready, and go on serving."""
    try:
        scene.victim.run(f"touch {NOT_READY}")
        yield
    finally:
        scene.victim.run(f"rm -f {NOT_READY}")


@contextmanager
def draining(scene: Scene) -> Iterator[None]:
    """End the victim's apiserver in order: not ready first, requests still served, then gone."""
    try:
        scene.victim.run(f"systemctl stop --no-block {APISERVER}")
        yield
    finally:
        scene.victim.run(f"systemctl start {APISERVER}")


@contextmanager
def reload_storm(scene: Scene) -> Iterator[None]:
    """Reload HAProxy twenty times, faster than anyone would."""
    for _ in range(20):
        for host in scene.stack.balancers:
            host.run("systemctl reload haproxy")
        time.sleep(0.15)
    yield


@contextmanager
def apiserver_gone(scene: Scene) -> Iterator[None]:
    """Let the victim's apiserver hang from before the measurement on: every HAProxy has found it dead.

    One that refuses connections would cost nothing, even where HAProxy forgets that it is dead.
    """
    with scene.victim.hung(APISERVER):
        _await_quiet(scene)
        yield


@contextmanager
def host_returns(scene: Scene) -> Iterator[None]:
    """Let the host come back that :func:`holder_gone` switched off."""
    scene.returning.close()
    yield


@contextmanager
def holder_gone(scene: Scene) -> Iterator[None]:
    """Switch the holder off, before the measurement; a peer serves."""
    with scene.returning:
        scene.returning.enter_context(scene.holder.off())
        _await_successor(scene)
        _await_quiet(scene)
        yield


def _await_successor(scene: Scene, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if scene.stack.holder() != scene.holder:
                return
        except DrillError:
            pass
        if time.monotonic() > deadline:
            raise DrillError(f"nobody took over from {scene.holder.name} within {seconds:.0f} s")
        time.sleep(0.1)


def _await_quiet(scene: Scene, seconds: float = 60) -> None:
    """Wait until what is left serves without a failure: a backend that is dead is noticed later."""
    url = f"https://{scene.stack.vip}:{scene.stack.port}/version"
    ask = f"curl -sk -o /dev/null --noproxy '*' --max-time 0.5 {url}"
    deadline = time.monotonic() + seconds
    while True:
        try:
            scene.peer.run(f"for i in $(seq 30); do {ask} || exit 1; sleep 0.05; done")
        except DrillError:
            if time.monotonic() > deadline:
                raise DrillError(f"{url} does not answer without failures {seconds:.0f} s later") from None
        else:
            return
