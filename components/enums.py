"""Closed sets of argument values. A plain string in a dict means the same."""

from enum import StrEnum


class Preset(StrEnum):
    """How eagerly a fault is believed: eager costs needless failovers where hosts pause."""

    FAST = "fast"
    STANDARD = "standard"
    TOLERANT = "tolerant"


class CheckKind(StrEnum):
    """What HAProxy asks a backend."""

    HTTPS = "https"
    TCP = "tcp"


class NotReady(StrEnum):
    """What becomes of the open streams of a backend that answers, but is not ready."""

    DRAIN = "drain"
    DOWN = "down"


class ProbeKind(StrEnum):
    """How keepalived's periodic check asks for the HAProxy beside it."""

    HTTP = "http"
    PROCESS = "process"


class OnFailure(StrEnum):
    """What the periodic check does when HAProxy does not answer."""

    RELEASE = "release"
    STOP_KEEPALIVED = "stop-keepalived"


class VrrpState(StrEnum):
    """The state keepalived starts in."""

    BACKUP = "BACKUP"
    MASTER = "MASTER"


class Verify(StrEnum):
    """What the end of an ``up`` demands."""

    AUTO = "auto"
    STRICT = "strict"
    OFF = "off"
