"""How many connections HAProxy takes, and the file descriptors they need."""

from components.planning.settings import Haproxy

DEFAULT_MAX = 50_000
"""Of a host that permits more: Kubernetes' largest cluster, 5,000 nodes, with ten connections each."""
MONITOR_RESERVE = 50
"""That the endpoint's clients cannot take: keepalived, the peers and observers ask the monitor's port."""
MINIMUM = 2 * MONITOR_RESERVE
SPARE_DESCRIPTORS = 1000
"""Beyond two a connection: listeners, checks, pipes, logs, and a margin."""
_BARE_DESCRIPTORS = 100
"""Of these, what HAProxy does not start without."""


def descriptors(haproxy: Haproxy) -> int:
    """Return how many file descriptors the unit may have at most.

    Not fewer for a small ``maxconn``: a reload to a larger one could not raise what a start has set, unless HAProxy's
    master may (CAP_SYS_RESOURCE).
    """
    return haproxy.ulimit_n or 2 * max(haproxy.maxconn, DEFAULT_MAX) + SPARE_DESCRIPTORS


def fewest_descriptors(haproxy: Haproxy) -> int:
    """Return how many descriptors there must be at least."""
    spare = _BARE_DESCRIPTORS if haproxy.maxconn else SPARE_DESCRIPTORS
    return 2 * (haproxy.maxconn or MINIMUM) + spare
