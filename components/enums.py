"""Closed sets of argument values. A plain string in a dict means the same."""

from enum import StrEnum


class Preset(StrEnum):
    """How eagerly a fault is believed: eager costs needless failovers where hosts pause."""

    FAST = "fast"
    """For hosts that never pause: dedicated ones, without live migration."""
    STANDARD = "standard"
    """For ordinary ECS instances."""
    TOLERANT = "tolerant"
    """For hosts that pause: shared cores, busy masters, live migration."""


class CheckKind(StrEnum):
    """What HAProxy asks a backend."""

    HTTPS = "https"
    """TLS and ``GET`` of a path: knows a kube-apiserver that is not ready."""
    TCP = "tcp"
    """A connection is enough."""


class NotReady(StrEnum):
    """What becomes of the open streams of a backend that answers, but is not ready."""

    DRAIN = "drain"
    """They go on, new connections go elsewhere."""
    DOWN = "down"
    """They are cut."""


class ProbeKind(StrEnum):
    """How keepalived's periodic check asks for the HAProxy beside it."""

    HTTP = "http"
    """It must answer on its monitor page."""
    PROCESS = "process"
    """There must be a process of that name."""


class OnFailure(StrEnum):
    """What the periodic check does when HAProxy does not answer."""

    RELEASE = "release"
    """Let go of the VIP, if a peer can take over, until HAProxy is back."""
    STOP_KEEPALIVED = "stop-keepalived"
    """Stop keepalived for good."""


class VrrpState(StrEnum):
    """The state keepalived starts in."""

    BACKUP = "BACKUP"
    """Listens first, and takes the VIP if nobody has it."""
    MASTER = "MASTER"
    """Takes the VIP at once."""


class Verify(StrEnum):
    """What the end of an ``up`` demands."""

    AUTO = "auto"
    """A kube-apiserver answers through the VIP, unless none lives: then HAProxy does, and it is said."""
    STRICT = "strict"
    """A kube-apiserver answers through the VIP."""
    OFF = "off"
    """Nothing."""
