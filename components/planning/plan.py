"""The plan of one endpoint: who is what, computed from settings alone, before anything is touched."""

import zlib
from dataclasses import dataclass, replace

from components.enums import CheckKind, ProbeKind
from components.planning import failover
from components.planning.failover import Timers
from components.planning.settings import NOT_GIVEN, Balancer, Settings

TOP_PRIORITY = 254
"""Below 255, an address's owner (RFC 5798 5.2.4), and close to it: a high priority waits least after a hand-over."""


@dataclass(frozen=True)
class Plan:
    """Settings with every derived value filled in; all rendering reads this and nothing else."""

    name: str
    settings: Settings
    timers: Timers
    router_id: int
    formerly: tuple[str, ...] = ()
    """Names that the endpoint had before: hosts that serve it under one of them are its own."""
    order: tuple[str, ...] = ()
    """Names of the balancers in the order in which the program changes them, where that is settled already."""

    @property
    def balancers(self) -> tuple[Balancer, ...]:
        """In the order of the arguments."""
        return self.settings.balancers

    @property
    def rollout(self) -> tuple[Balancer, ...]:
        """In the order of change: the lowest priority first, the planned holder last."""
        if self.order:
            return tuple(self.balancer(name) for name in self.order)
        return tuple(sorted(self.balancers, key=lambda balancer: balancer.priority))

    @property
    def lead(self) -> Balancer:
        """The planned holder: the last to be changed, and the one that stays in office meanwhile."""
        return self.rollout[-1]

    def balancer(self, name: str) -> Balancer:
        """Return the balancer called `name`; ``KeyError`` if there is none."""
        return {balancer.name: balancer for balancer in self.balancers}[name]

    def peers(self, balancer: Balancer) -> tuple[str, ...]:
        """Addresses of all other balancers."""
        return tuple(other.address for other in self.balancers if other.name != balancer.name)

    @property
    def seniority(self) -> int:
        """What a new holder's priority is raised by: above every other's, or 0 where that is not to be had.

        A holder that was cut off or frozen takes itself for the holder when it is back. Of two holders the one with
        the lower priority gives up, and with it go the streams it carries: those of whoever was there all the time.
        """
        priorities = [balancer.priority for balancer in self.balancers]
        needed = max(priorities) - min(priorities) + 1
        return (
            needed if self.settings.keepalived.nopreempt and max(priorities) + needed <= TOP_PRIORITY else 0
        )

    @property
    def budget(self) -> dict[str, int]:
        """Worst-case milliseconds of outage for each fault (`failover.budget`)."""
        keepalived = self.settings.keepalived
        second = sorted(balancer.priority for balancer in self.balancers)[:-1] or [1]
        found = failover.budget(
            self.timers,
            second[-1],
            keepalived.vrrp_version,
            tracked=keepalived.track_file,
            weighted=bool(keepalived.check_weight),
        )
        if not self.settings.haproxy.observe:
            found["backends_death"] = round(failover.refused(self.timers, observed=False))
        if self.settings.health_check.kind is CheckKind.TCP:
            found["backend_hang"] = found["backend_silence"] = failover.NEVER_MS
        if self.settings.keepalived.check_kind is not ProbeKind.HTTP:
            found["process_hang"] = found["last_process_hang"] = failover.NEVER_MS
        return found


def derived_router_id(name: str) -> int:
    """Derive a virtual router id 1..255 that stays the same for the same component name."""
    return zlib.crc32(name.encode(errors="replace")) % 255 + 1


def make(name: str, settings: Settings) -> Plan:
    """Make the plan of `settings`; call `members.violations` before trusting it."""
    balancers = tuple(
        replace(balancer, priority=_given(balancer.priority, TOP_PRIORITY - len(settings.balancers) - index))
        for index, balancer in enumerate(settings.balancers)
    )
    backends = tuple(
        replace(backend, port=_given(backend.port, settings.backend_port)) for backend in settings.backends
    )
    return Plan(
        name=name,
        settings=replace(settings, balancers=balancers, backends=backends),
        timers=failover.timers(settings.failover),
        router_id=_given(settings.keepalived.virtual_router_id, derived_router_id(name)),
    )


def _given(number: int, otherwise: int) -> int:
    return otherwise if number == NOT_GIVEN else number
