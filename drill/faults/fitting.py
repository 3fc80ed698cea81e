"""What faults need of a stack; each need says in words what a stack lacks, and nothing where it has it."""

from collections.abc import Callable

from drill.stack import Stack

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


def our_program(stack: Stack) -> str:
    """Need a stack whose configuration has the keys that are changed."""
    return (
        "" if stack.configurable else "changes keys of this project's program, and another one made the stack"
    )
