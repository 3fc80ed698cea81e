"""What a fault is: data for the judge, and two context managers for the hosts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Literal

from components.planning.failover import advert_ms_of, settle_s
from drill.errors import DrillError
from drill.faults.needs import Need
from drill.hosts import Host
from drill.left import NOWHERE, Left
from drill.stack import Stack
from sandbox.stack.engine import Engine

NOTHING_FAILS = "nothing fails"
"""Budget of a fault that must cost no request and no stream beyond the process it kills."""
NO_PROMISE = ""
LATE_S = 1.0
"""Measured beyond the budget where redundancy is not waited for."""
MARGIN_S = 3.0
"""A fault goes on for so long after its budget: what hangs a moment too long has failed only 2 s later."""


class Who(StrEnum):
    """To whom something happens: hosts by what they are at the moment of the fault."""

    HOLDER = auto()
    PEERS = auto()
    """The other balancers."""
    BALANCERS = auto()
    """All of them."""
    VICTIM = auto()
    """The host to whose apiserver faults happen: no balancer, unless all are; then not the holder."""
    TWO_VICTIMS = auto()
    BACKENDS = auto()
    """Every host with an apiserver."""


@dataclass(frozen=True)
class Scene:
    """The stack at the moment before a fault: who is who."""

    stack: Stack
    holder: Host
    engine: Engine | None = None
    """``pulumi`` on the stack, for faults that are changes."""
    changes: dict[str, str] = field(default_factory=dict)
    """Keys of the configuration that are changed now."""
    returning: ExitStack = field(default_factory=ExitStack)
    """Holds what was done to a host that comes back as the fault itself."""
    held_s: float = 0.0
    """How long the fault will be in force, in seconds."""
    ends_late: list[tuple[Host, str]] = field(default_factory=list)
    """Hosts with a fault that goes on until it ends by itself, whenever it was to be healed, and which that is."""

    left: Left = NOWHERE
    """Where is kept what is in force, if the drill is killed."""

    @property
    def peers(self) -> list[Host]:
        """The other balancers."""
        return [host for host in self.stack.balancers if host != self.holder]

    @property
    def peer(self) -> Host:
        """A balancer that is not the holder; of two the one that takes over."""
        return self.peers[0]

    @property
    def spectator(self) -> Host:
        """Where clients are that the holder's faults do not reach."""
        return self.stack.spectator(self.holder)

    @property
    def victims(self) -> list[Host]:
        """The hosts with an apiserver, in the order in which faults happen to it: those far from the VIP first."""
        order = [*reversed(self.stack.apart), *self.peers, self.holder]
        return [host for host in order if host.apiserver]

    @property
    def victim(self) -> Host:
        """The first of these: the one of :attr:`Who.VICTIM`, where a fault happens to a single apiserver."""
        return self.victims[0]

    def hosts(self, who: Who) -> list[Host]:
        """Return the hosts that are meant; of victims as many as there are."""
        return {
            Who.HOLDER: [self.holder],
            Who.PEERS: self.peers,
            Who.BALANCERS: list(self.stack.balancers),
            Who.VICTIM: self.victims[:1],
            Who.TWO_VICTIMS: self.victims[:2],
            Who.BACKENDS: list(self.stack.backends),
        }[who]


Injection = Callable[[Scene], AbstractContextManager[object]]


@contextmanager
def nothing(_scene: Scene) -> Iterator[None]:
    """Do nothing."""
    yield


@dataclass(frozen=True)
class Fault:
    """One fault. `prepare` is in force from before the measurement to its end, `inject` while it is measured."""

    name: str
    title: str
    inject: Injection
    budget: str = NO_PROMISE
    """Key of the component's output ``budget``, :data:`NOTHING_FAILS`, or :data:`NO_PROMISE`."""
    lasting: str = ""
    """Key of the budget by which the last request may have failed, where the fault takes more along: an apiserver."""
    two_holders: str = "two_holders"
    """Key of the budget by which nobody has the VIP beside its holder any more, or :data:`NO_PROMISE`."""
    prepare: Injection = nothing
    hold_s: float = 6.0
    """How long it is in force at least; see :meth:`held_s`."""
    path: Who | Literal["vip"] | None = None
    """Whose streams it must end: all through the holder (``vip``), those of these hosts' apiservers, or nobody's."""
    silences: Who | None = None
    """Who is out of reach while it lasts."""
    cuts: bool = False
    """Whether HAProxy must cut the streams of an apiserver that is silent, unless its configuration says otherwise."""
    parts: bool = False
    """Whether two sides serve until it is healed, and clients go from one to the other."""
    anchor: str = "inject"
    whole_from: str = "heal"
    whole_limit_s: float = 20.0
    """How long is waited for redundancy to return by itself; where a host `boots`, for as long as that may take."""
    boots: bool = False
    returns: bool = False
    """Whether a host comes back that may preempt: once nobody ranks above it any more, and some adverts later."""
    tail_s: float = 2.0
    """How long is measured after redundancy is whole, so that a late failure is seen."""
    must_be_whole: bool = True
    """Not where something else is kept broken by `prepare`."""
    needs: tuple[Need, ...] = ()
    """What a stack must have for it."""
    sandbox_only: bool = False
    """For what SSH cannot undo, for two faults at once and what leaves nobody to answer, and for what happens to the
    unit and the files of the sandbox's stand-in for kube-apiserver."""

    def misfit(self, stack: Stack) -> str:
        """Return why it does not fit a stack, nothing if it does."""
        if self.sandbox_only and stack.sandbox is None:
            return "needs the sandbox"
        return next((lack for need in self.needs if (lack := need.lack(stack))), "")

    def silenced(self, scene: Scene) -> tuple[str, ...]:
        """Return the names of hosts out of reach."""
        return tuple(host.name for host in scene.hosts(self.silences)) if self.silences else ()

    def ended_path(self, scene: Scene) -> str:
        """Return whose streams it ends, as a history has it: ``vip``, names of hosts, or nothing."""
        if isinstance(self.path, Who):
            return ",".join(host.name for host in scene.hosts(self.path))
        return self.path or ""

    def budget_ms(self, scene: Scene) -> int | None:
        """Return the promise in ms, ``None`` where there is none."""
        return 0 if self.budget == NOTHING_FAILS else _promised(scene, self.budget)

    def lasting_ms(self, scene: Scene) -> int | None:
        """Return within how many ms of the fault's beginning requests may fail, ``None`` for `budget_ms`."""
        return _promised(scene, self.lasting) if self.lasting and scene.holder.apiserver else None

    def held_s(self, scene: Scene) -> float:
        """Return how long it is in force, in seconds: what it may cost must show before it is healed."""
        promised = (self.budget_ms(scene), self.lasting_ms(scene), self.two_holders_ms(scene))
        longest_ms = max(ms or 0 for ms in promised)
        if self.anchor == "heal" or not longest_ms:
            return self.hold_s
        return max(self.hold_s, longest_ms / 1000 + MARGIN_S)

    def whole_within_s(self, scene: Scene) -> float:
        """Return how long is waited for redundancy to return by itself, in seconds."""
        boot_s = scene.holder.boot_limit_s if self.boots else 0.0
        # An apiserver is back when every HAProxy uses it again, which slow checks notice late.
        noticed_s = scene.stack.budget.get("backend_return", 0) / 1000 + MARGIN_S
        return max(self.whole_limit_s, boot_s, noticed_s)

    def measured_s(self, scene: Scene) -> float:
        """Return how long is measured at the end, in seconds: what takes too long must show."""
        if not self.must_be_whole:
            return max(self.tail_s, (self.budget_ms(scene) or 0) / 1000 + LATE_S)
        if not self.returns or not _promised(scene, "two_holders_return"):
            return self.tail_s
        advert_ms = advert_ms_of(scene.stack.budget)
        # So long a new holder ranks above its peers (ADR 4); then some adverts may pass.
        return max(self.tail_s, settle_s(advert_ms) + 4 * advert_ms / 1000 + MARGIN_S)

    def two_holders_ms(self, scene: Scene) -> int | None:
        """Return for how many ms two may have the VIP, ``None`` where nothing is promised."""
        return _promised(scene, self.two_holders)


def _promised(scene: Scene, key: str) -> int | None:
    """Return a promise, ``None`` where there is none; one that was never heard of must not look like that."""
    budget = scene.stack.budget
    if not key or not budget:
        return None
    if key not in budget:
        raise DrillError(
            f"the stack's output `budget` has no {key!r}: run `pulumi up` (make up) with this version first"
        )
    return None if budget[key] < 0 else int(budget[key])
