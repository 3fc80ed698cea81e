"""What faults need of a stack; each need says in words what a stack lacks, and nothing where it has it."""

from collections.abc import Callable

from components.paths import HAPROXY_CFG
from drill.stack import Stack

DRAINS = "error-status"
"""What is in HAProxy's configuration where it drains; the hosts leave out what is only for later versions."""
Need = Callable[[Stack], str]


def apiservers(number: int) -> Need:
    """Need so many apiservers: of those that a fault leaves, clients shall get answers."""

    def lack(stack: Stack) -> str:
        there = len(stack.backends)
        return "" if there >= number else f"needs {number} apiservers, the stack has {there}"

    return lack


def one_elsewhere(stack: Stack) -> str:
    """Need an apiserver that does not go with the holder's host, whoever that is."""
    alone = len(stack.backends) == 1 and stack.backends[0] in stack.balancers
    return "the only apiserver is on a balancer, and goes with it" if alone else ""


def one_apart(stack: Stack) -> str:
    """Need an apiserver on a host that does not balance: nothing is promised for a peer that is gone beside it."""
    return "" if stack.apart else "every host balances, so no apiserver can be cut off alone"


def able(what: str) -> Need:
    """Need hosts to which something can be done, such as ``cut_off``."""

    def lack(stack: Stack) -> str:
        lacks = [f"{host.name} has no {words}" for host in stack.hosts if (words := host.lack(what))]
        return "; ".join(lacks)

    return lack


def balancers_with(program: str) -> Need:
    """Need balancers with a program, such as ``apt-get``: a fault does what that does."""

    def lack(stack: Stack) -> str:
        without = [host.name for host in stack.balancers if not host.has(program)]
        return f"needs {program}, which is not on {', '.join(without)}" if without else ""

    return lack


def notices_not_ready(stack: Stack) -> str:
    """Need a health check that the sandbox's apiserver fails when it is not ready: else nothing would happen."""
    asked = [host.apiserver for host in stack.backends if host.apiserver]
    if all(one.path.partition("?")[0] == "/readyz" and not one.ready(500) for one in asked):
        return ""
    return "needs a health check that asks /readyz and takes a 500 for not ready"


def drains(stack: Stack) -> str:
    """Need balancers that leave the streams of an apiserver that is not ready alone, as the hosts' files say."""
    kept = f"grep -q {DRAINS} {HAPROXY_CFG} || echo no"
    cutting = [host.name for host in stack.balancers if host.run(kept).strip()]
    if not cutting:
        return ""
    return (
        f"{', '.join(cutting)} cuts such streams (health_check.not_ready is down, or HAProxy is before 2.4)"
    )


def our_program(stack: Stack) -> str:
    """Need a stack whose configuration has the keys that are changed."""
    return (
        "" if stack.configurable else "changes keys of this project's program, and another one made the stack"
    )
