"""What faults need of a stack."""

from collections.abc import Callable
from dataclasses import dataclass

from components.rendering.paths import HAPROXY_CFG
from drill.stack import Stack


@dataclass(frozen=True)
class Need:
    """Something that a stack must have for a fault."""

    words: str
    """As docs/drill.md has it."""
    lack: Callable[[Stack], str]
    """Says what a stack lacks, and nothing where it has it."""


_DRAINING = "error-status"
"""What is in HAProxy's configuration where it drains; the hosts leave out what is only for later versions."""


def apiservers(number: int) -> Need:
    """Need so many apiservers: of those that a fault leaves, clients shall get answers."""

    def lack(stack: Stack) -> str:
        there = len(stack.backends)
        return "" if there >= number else f"needs {number} apiservers, the stack has {there}"

    return Need(f"{number} apiservers", lack)


def _none_elsewhere(stack: Stack) -> str:
    alone = len(stack.backends) == 1 and stack.backends[0] in stack.balancers
    return "the only apiserver is on a balancer, and goes with it" if alone else ""


ONE_ELSEWHERE = Need("an apiserver that does not go with a balancer", _none_elsewhere)
"""Whoever holds the VIP, there is one that does not go with the holder's host."""


def _none_apart(stack: Stack) -> str:
    return "" if stack.apart else "every host balances, so no apiserver can be cut off alone"


ONE_APART = Need("an apiserver on a host that does not balance", _none_apart)
"""Nothing is promised for a peer that is gone beside its apiserver."""


def able(what: str, words: str) -> Need:
    """Need hosts to which something can be done, such as ``cut_off``; as `words` say it."""

    def lack(stack: Stack) -> str:
        lacks = [f"{host.name} has no {missing}" for host in stack.hosts if (missing := host.lack(what))]
        return "; ".join(lacks)

    return Need(words, lack)


def balancers_with(program: str) -> Need:
    """Need balancers with a program, such as ``apt-get``: a fault does what that does."""

    def lack(stack: Stack) -> str:
        without = [host.name for host in stack.balancers if not host.has(program)]
        return f"needs {program}, which is not on {', '.join(without)}" if without else ""

    return Need(f"balancers with `{program}`", lack)


def _deaf_to_not_ready(stack: Stack) -> str:
    asked = [host.apiserver for host in stack.backends if host.apiserver]
    if all(one.path.partition("?")[0] == "/readyz" and not one.ready(500) for one in asked):
        return ""
    return "needs a health check that asks /readyz and takes a 500 for not ready"


def _cutting(stack: Stack) -> str:
    # As the hosts' files say it: of HAProxy's version nothing else tells.
    kept = f"grep -q {_DRAINING} {HAPROXY_CFG} || echo no"
    cutting = [host.name for host in stack.balancers if host.run(kept).strip()]
    if not cutting:
        return ""
    return (
        f"{', '.join(cutting)} cuts such streams (health_check.not_ready is down, or HAProxy is before 2.4)"
    )


def _other_program(stack: Stack) -> str:
    return (
        "" if stack.configurable else "changes keys of this project's program, and another one made the stack"
    )


OUR_PROGRAM = Need(
    "this project's own program, whose configuration they change to what it is not yet", _other_program
)
"""A configuration has the keys that are changed."""

NOTICES_NOT_READY = Need(
    "a health check that asks `/readyz` and takes a 500 for not ready", _deaf_to_not_ready
)
"""One that the sandbox's apiserver fails when it is not ready: else nothing would happen."""

DRAINS = Need(
    "balancers that drain what is not ready (HAProxy from 2.4 on, `not_ready` is `drain`)", _cutting
)
"""They leave the streams of such an apiserver alone."""
