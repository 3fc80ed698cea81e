"""Timers of fault detection: presets, overrides, and the outage each fault may cost at worst."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from components.enums import Preset
from components.planning.durations import milliseconds
from components.planning.settings import Failover

NEVER_MS = -1
"""A fault that this configuration does not notice at all."""
ALLOWANCE_MS = 150
"""For starting a small process, sending an advertisement and the switch's learning of a gratuitous ARP."""

RESTART_PAUSE_MS = 100
"""Between a service's death and systemd's starting it anew (``RestartSec``)."""
START_MS = 500
"""For starting HAProxy until it listens (0.2 s were measured)."""
LISTENS_MS = 200
"""From starting HAProxy until it listens, as measured."""
ROUND_MS = 100
"""Between two questions to the peers at least, as long as nobody answers."""
ABORT_MS = 1000
"""Given to a keepalived that hangs before it is killed (``TimeoutAbortSec``, in whole seconds)."""


@dataclass(frozen=True)
class Timers:
    """Every timer of detection. ``_ms`` and ``_s`` name units; texts are HAProxy durations."""

    advert_interval_ms: int
    """Between two VRRP advertisements; three lost ones make a holder dead."""
    connect_timeout: str
    """For a connection to a backend; for TCP and TLS of a check the shorter of this and ``check_inter``."""
    check_inter: str
    """Between two checks of a backend in a settled state."""
    check_fastinter: str
    """Between two checks while the verdict changes."""
    check_downinter: str
    """Between two checks of a dead backend."""
    check_timeout: str
    """For the answer to a check once TLS is up: long, a slow ``/readyz`` is no fault."""
    check_fall: int
    check_rise: int
    probe_interval_s: int
    """keepalived's question to the HAProxy beside it; whole seconds (keepalived 2.2 takes no less)."""
    probe_tries: int
    probe_timeout_ms: int
    probe_delay_ms: int
    """Pause between two tries."""
    probe_fall: int
    probe_rise: int
    peer_timeout_ms: int
    """Bound on asking the peers whether one of them can take over."""
    restart_after_s: int
    """Of silence, after which a hung HAProxy is killed and started anew; 0: never. Its streams are dead by then."""

    @property
    def tries_ms(self) -> int:
        """Return how long one question of keepalived's takes when nobody answers."""
        return self.probe_tries * (self.probe_timeout_ms + self.probe_delay_ms)

    @property
    def recheck_timeout_ms(self) -> int:
        """Return the bound on asking this host's HAProxy again while its peers are asked: no longer than that takes."""
        return min(self.probe_timeout_ms, max(self.peer_timeout_ms, ROUND_MS))

    @property
    def check_timeout_s(self) -> int:
        """Return the bound of keepalived's check in whole seconds: all tries and the peers, two for a busy host.

        Where nobody answers, the peers are asked until the next check is due.

        It bounds itself; one that keepalived has to end counts as failed, whatever HAProxy does.
        """
        asked_ms = max(self.tries_ms + self.peer_timeout_ms, self.probe_interval_s * 1000)
        return math.ceil(asked_ms / 1000) + 2

    @property
    def watchdog_s(self) -> int:
        """Return after how many seconds without a sign of life keepalived is taken for hung.

        Every check gives one at its start and before each further question; two seconds are for a busy host. With
        :data:`ABORT_MS` no more than 5 s in every preset.
        """
        question_ms = max(self.probe_timeout_ms + self.probe_delay_ms, self.peer_timeout_ms)
        return max(4, max(self.probe_interval_s, math.ceil(question_ms / 1000)) + 2)


# fast: hosts that never pause (dedicated, no live migration). standard: ordinary ECS instances.
# tolerant: shared-core instances, busy masters, live migration.
# A connection waits no longer than a check: while it does, it is lost if the backend is declared dead.
PRESETS = {
    Preset.FAST: Timers(
        advert_interval_ms=100,
        connect_timeout="300ms",
        check_inter="300ms",
        check_fastinter="100ms",
        check_downinter="300ms",
        check_timeout="5s",
        check_fall=2,
        check_rise=2,
        probe_interval_s=1,
        probe_tries=2,
        probe_timeout_ms=150,
        probe_delay_ms=50,
        probe_fall=1,
        probe_rise=1,
        peer_timeout_ms=100,
        restart_after_s=2,
    ),
    Preset.STANDARD: Timers(
        advert_interval_ms=200,
        connect_timeout="500ms",
        check_inter="500ms",
        check_fastinter="100ms",
        check_downinter="500ms",
        check_timeout="10s",
        check_fall=3,
        check_rise=2,
        probe_interval_s=1,
        probe_tries=2,
        probe_timeout_ms=250,
        probe_delay_ms=50,
        probe_fall=1,
        probe_rise=1,
        peer_timeout_ms=100,
        restart_after_s=3,
    ),
    Preset.TOLERANT: Timers(
        advert_interval_ms=1000,
        connect_timeout="2s",
        check_inter="2s",
        check_fastinter="500ms",
        check_downinter="1s",
        check_timeout="15s",
        check_fall=3,
        check_rise=2,
        probe_interval_s=2,
        probe_tries=3,
        probe_timeout_ms=500,
        probe_delay_ms=100,
        probe_fall=1,
        probe_rise=1,
        peer_timeout_ms=300,
        restart_after_s=10,
    ),
}


def timers(failover: Failover) -> Timers:
    """Return the preset's timers with the explicit ones in their place."""
    fields = dataclasses.asdict(failover)
    explicit = {key: value for key, value in fields.items() if key != "preset" and value is not None}
    return dataclasses.replace(PRESETS[failover.preset], **explicit)


VRRP2, VRRP3 = 2, 3
"""Versions of the protocol."""


def skew_ms(priority: int, advert_ms: int, version: int) -> float:
    """Return how long a backup waits after a hand-over, in ms (v2: RFC 3768 6.1, v3: RFC 5798 6.1)."""
    unit = 1000 if version == VRRP2 else advert_ms
    return (256 - priority) / 256 * unit


def settle_s(advert_ms: int) -> int:
    """Return for how many seconds every peer must have answered until a new holder ranks as before: some adverts."""
    return max(5, math.ceil(4 * advert_ms / 1000))


def advert_ms_of(promised: Mapping[str, int]) -> int:
    """Return the milliseconds between two advertisements, of the timers that a :func:`budget` is of."""
    return promised["two_holders_return"] - ALLOWANCE_MS


def budget(
    chosen: Timers, backup_priority: int, version: int, *, tracked: bool, weighted: bool = False
) -> dict[str, int]:
    """Return the worst-case outage in milliseconds for each fault, as planned (measured values are smaller).

    `backup_priority` is the highest one below the holder's. ``process_death``: HAProxy dies on the
    holder; ``process_hang``: it stops answering; ``handover``: keepalived or its host ends in order;
    ``host_loss``: the holder vanishes; ``backend_loss``:
    a kube-apiserver's host vanishes (a refused connection costs nothing, it is redispatched);
    ``backend_hang``: it hangs, and the kernel takes connections for it; ``backend_silence``: it still answers TLS,
    and no request. These last until the backend is marked down. At worst a check had just got through TLS and waits for
    its answer, which may be slow; to one that is silent every check does.
    ``backends_death``: several kube-apiservers die at once. Retries of a refused connection may all go to dead ones,
    which have the fewest connections, until checks have found them.

    Where nobody is left to take over: ``last_process_death`` and ``last_process_hang`` of the last HAProxy, which is
    started anew. Counted from their return: ``process_return``, the first HAProxy when all were down;
    ``backend_return``, a kube-apiserver when all were down. -1: not noticed at all.

    For how long two may have the VIP: ``two_holders``, while it moves in order; ``two_holders_return``, after one that
    was cut off or frozen is back; ``two_holders_hang``, beside a keepalived that hangs.
    """
    skew = skew_ms(backup_priority, chosen.advert_interval_ms, version)
    interval = chosen.probe_interval_s * 1000
    # keepalived leaves a check out while the one before it still runs.
    again = interval * math.ceil((chosen.tries_ms + chosen.peer_timeout_ms) / interval)
    hang = interval + again * (chosen.probe_fall - 1) + chosen.tries_ms
    if weighted:
        # A holder that only lost priority says so, and is taken for gone by whoever ranks above it now.
        hang += 3 * chosen.advert_interval_ms
    moved = chosen.peer_timeout_ms + skew
    restarted = chosen.peer_timeout_ms + RESTART_PAUSE_MS + START_MS
    worst = {
        "process_death": (0 if tracked else hang) + moved + ALLOWANCE_MS,
        "process_hang": hang + moved + ALLOWANCE_MS,
        "handover": skew + ALLOWANCE_MS,
        "host_loss": 3 * chosen.advert_interval_ms + skew + ALLOWANCE_MS,
        "last_process_death": restarted + ALLOWANCE_MS,
        "last_process_hang": hang + chosen.restart_after_s * 1000 + restarted + 3 * ALLOWANCE_MS,
        # Whoever has the VIP asks its peers all the time; a round that would not end before the next check is due is
        # left out, and takes as long again.
        "process_return": LISTENS_MS
        + 2 * max(chosen.peer_timeout_ms, ROUND_MS)
        + interval * (chosen.probe_fall - 1)
        + skew
        + ALLOWANCE_MS,
        **_of_backends(chosen),
        "two_holders": ALLOWANCE_MS,
        "two_holders_return": chosen.advert_interval_ms + ALLOWANCE_MS,
        "two_holders_hang": chosen.watchdog_s * 1000 + ABORT_MS + ALLOWANCE_MS,
    }
    if not chosen.restart_after_s:
        worst["last_process_hang"] = NEVER_MS
    return {fault: round(value) for fault, value in worst.items()}


def _of_backends(chosen: Timers) -> dict[str, float]:
    inter = milliseconds(chosen.check_inter)
    check = min(milliseconds(chosen.connect_timeout), inter)
    fast = milliseconds(chosen.check_fastinter or chosen.check_inter)
    again = fast + check
    answer = milliseconds(chosen.check_timeout) if chosen.check_timeout else inter
    lost = max(inter + check, answer) + again * (chosen.check_fall - 1)
    back = (
        milliseconds(chosen.check_downinter or chosen.check_inter) + check + again * (chosen.check_rise - 1)
    )
    return {
        "backend_loss": lost,
        "backend_hang": lost,
        "backend_silence": inter + (check + answer) * chosen.check_fall + fast * (chosen.check_fall - 1),
        "backends_death": refused(chosen, observed=True),
        "backend_return": back + ALLOWANCE_MS,
    }


def refused(chosen: Timers, *, observed: bool) -> float:
    """Return within how many ms backends that refuse connections are marked down.

    A refused connection, if `observed`, has the next check come soon; else that comes when it is due.
    """
    inter = milliseconds(chosen.check_inter)
    again = milliseconds(chosen.check_fastinter or chosen.check_inter)
    return (again if observed else inter) + again * (chosen.check_fall - 1) + ALLOWANCE_MS
