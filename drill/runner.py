"""One run: prepare, measure nothing, inject, hold, heal, wait until whole, use the streams, stop. Judges nothing."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

from drill.errors import DrillError
from drill.faults.changes import cuts_streams
from drill.faults.fault import Fault, Scene
from drill.healing import mend
from drill.history import Setting, Writer
from drill.left import NOWHERE, Left
from drill.settle import await_whole, missing
from drill.stack import Stack
from drill.workload.clients import Clients, Load, placed
from drill.workload.outside import outside
from drill.workload.precedence import precedence, pressure
from sandbox.stack.engine import Engine

SETTLE_LIMIT_S = 60.0
"""A drill does not begin, and does not go on, unless redundancy is whole within this."""
STABLE_S = 4.0
"""So long it must have been whole, with the same holder: a configuration that preempts does so within this."""
BASELINE_S = 3.0
USE_S = 2.3
"""For the answers on idle streams, and for those of a storm: a little more than the limit of a request."""
STORM = 40
"""Connections at once of each client, after the measurement."""


@dataclass(frozen=True)
class Runner:
    """Runs faults on one stack, one at a time."""

    stack: Stack
    load: Load
    seed: int
    engine: Engine | None = None
    patience_s: float = 0.0
    """A fault is kept in force so long if clients still get no answer, to see the end of their outage."""
    left: Left = NOWHERE
    """Where is kept what the next drill has to heal if this one is killed."""

    def run(self, fault: Fault, number: int, directory: Path) -> None:
        """Write the history of one run into `directory`.

        Raises :class:`DrillError` if redundancy is not whole before or cannot be brought back after.
        """
        if why := fault.misfit(self.stack):
            raise DrillError(f"fault {fault.name!r} does not fit the stack: {why}; leave it out")
        self._settled(f"before {fault.name}")
        scene = Scene(self.stack, self.stack.holder(), self.engine)
        scene = replace(scene, held_s=fault.held_s(scene), left=self.left)
        history = Writer(directory, self._setting(fault, scene, number))
        self.left.note(fault=fault.name)
        try:
            with ExitStack() as ending:
                ending.callback(mend, self.stack)
                ending.enter_context(fault.prepare(scene))
                namespace = ending.enter_context(self._outside())
                clients = ending.enter_context(placed(self.stack, directory, self.load, namespace))
                self._measure(fault, scene, clients, history)
            self.left.forget("fault")
            if await_whole(self.stack, SETTLE_LIMIT_S) is None:
                raise DrillError(f"after {fault.name}: not whole again: {'; '.join(missing(self.stack))}")
            history.note("done")
        finally:
            history.close()

    def _measure(self, fault: Fault, scene: Scene, clients: Clients, history: Writer) -> None:
        clients.await_begun()
        history.note("clients")
        time.sleep(BASELINE_S)
        clients.check()
        watching = Wholeness(self.stack)
        with in_force(fault, scene, history) as injected:
            at_once = fault.must_be_whole and fault.whole_from == "inject"
            if at_once:
                watching.start()
            time.sleep(scene.held_s)
            self._be_patient(scene, injected + self.patience_s)
            if at_once:
                watching.wait(injected + fault.whole_within_s(scene))
        if fault.must_be_whole and not at_once:
            watching.start()
            watching.wait(time.time() + fault.whole_within_s(scene))
        if watching.since is not None:
            history.note("whole", at=watching.since)
        time.sleep(fault.measured_s(scene))
        history.note("measured", pressure=pressure())
        clients.tell("use")
        time.sleep(USE_S)
        history.note("storm")
        clients.tell(f"storm {STORM}")
        time.sleep(USE_S)

    def _be_patient(self, scene: Scene, until: float) -> None:
        url = f"https://{self.stack.vip}:{self.stack.port}{self.load.path}"
        ask = f"curl -sk -o /dev/null --noproxy '*' --max-time 1 {url}"
        while time.time() < until:
            try:
                scene.spectator.run(ask)
            except DrillError:
                time.sleep(0.5)
            else:
                return

    def _setting(self, fault: Fault, scene: Scene, number: int) -> Setting:
        return Setting(
            config=self.stack.config,
            fault=fault.name,
            run=number,
            title=fault.title,
            budget_ms=fault.budget_ms(scene),
            budget_key=fault.budget,
            anchor=fault.anchor,
            path=fault.ended_path(scene),
            silenced=fault.silenced(scene),
            whole_from=fault.whole_from,
            must_be_whole=fault.must_be_whole,
            lasting_ms=fault.lasting_ms(scene),
            two_holders_ms=fault.two_holders_ms(scene),
            parted=fault.parts,
            # One that is not even noticed is not cut.
            cuts=fault.cuts and fault.budget_ms(scene) is not None and cuts_streams(self.stack, self.engine),
            holder=scene.holder.name,
            balancers=tuple(host.name for host in self.stack.balancers),
            seed=self.seed,
            interval_ms=self.load.outside_ms,
            clock_offsets={host.name: host.clock_offset() for host in self.stack.hosts},
        )

    @contextmanager
    def _outside(self) -> Iterator[str]:
        if self.stack.sandbox is None:
            yield ""
            return
        with precedence(self.stack.sandbox), outside(self.stack.sandbox, self.stack.vpc) as namespace:
            yield namespace

    def _settled(self, when: str) -> None:
        """Wait until redundancy is whole, and has been for a while with one holder."""
        deadline = time.monotonic() + SETTLE_LIMIT_S
        while time.monotonic() < deadline and await_whole(self.stack, SETTLE_LIMIT_S) is not None:
            holder = self.stack.holder()
            time.sleep(STABLE_S)
            if not missing(self.stack) and self.stack.holder() == holder:
                return
        raise DrillError(
            f"{when}: redundancy is not whole within {SETTLE_LIMIT_S:.0f} s, so no fault is injected:\n  "
            + "\n  ".join(missing(self.stack) or ["the VIP does not stay where it is"])
        )


@contextmanager
def in_force(fault: Fault, scene: Scene, history: Writer) -> Iterator[float]:
    """Inject a fault, and heal it; both are noted. Gives when the injecting command had returned."""
    history.note("inject")
    with fault.inject(scene):
        yield history.note("injected")
        if not scene.ends_late:
            history.note("heal")
    healed = time.time()
    if scene.ends_late:
        # Too early rather than too late: two that have the VIP count from here.
        history.note("heal", at=min(host.ended_at(what) for host, what in scene.ends_late))
    history.note("healed", at=healed)


class Wholeness:
    """Asks in the background since when redundancy is whole."""

    def __init__(self, stack: Stack) -> None:
        self.since: float | None = None
        self._stack = stack
        self._end = Event()
        self._thread = Thread(target=self._ask, daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def wait(self, until: float) -> None:
        """Wait for the answer, at most `until` (seconds since the epoch)."""
        self._thread.join(max(0.0, until - time.time()))
        self._end.set()
        self._thread.join()

    def _ask(self) -> None:
        since: float | None = None
        while not self._end.is_set():
            whole = not missing(self._stack)
            answered = time.time()
            # Twice in a row: what has not yet noticed its fault looks whole.
            if whole and since is not None:
                self.since = since
                return
            since = answered if whole else None
            self._end.wait(0.2)
