"""Bringing up more and more control planes in one stack, and measuring what each number of them costs."""

from collections.abc import Iterator, Sequence

from drill.cost import measure, sshd
from drill.cost.figures import Cost
from drill.cost.site import Site, site
from sandbox.cloud.catalogue import INSTANCE_TYPES
from sandbox.cloud.session import Limits
from sandbox.hosts import images
from sandbox.progress import to_console

PLANES = (1, 5, 20, 50)
MOST = Limits().ha_vips
"""Each has a HaVip, and an account has no more."""
_AT_ONCE = "128"
"""The provider waits for each instance; that takes no processor."""
_BARE = 4
"""Resources of the bare program: the stack, both providers, a VPC."""
_STDIN_BYTES = 4000
"""What a step of ours is told on average."""


def bare_and_planes(planes: Sequence[int], tries: int) -> Iterator[Cost]:
    """Give the figures of a bare program, then of each number of control planes. Raises :class:`DrillError`."""
    numbers = sorted(set(planes))
    with site() as where:
        yield from _bare(where, tries)
        to_console(f"instances for {numbers[-1]} control planes, without hosts behind them")
        ground = where.engine("ground", _ground(numbers[-1]))
        measure.run(ground, *measure.UP, "--parallel", _AT_ONCE)
        with sshd.accepting(where.settings) as login:
            known = ground.outputs()["planes"]
            before = 0
            for number in numbers:
                config = {
                    "planes": known[:number],
                    "sshPort": login.port,
                    "privateKeyFile": str(login.private_key),
                }
                engine = where.engine("planes", config)
                name = f"{number} control plane{'s' if number > 1 else ''}"
                grown = measure.run(engine, *measure.UP)
                to_console(f"{name}: {number - before} more brought up in {grown.seconds:.0f} s")
                found = measure.no_ops(engine, name, number, tries)
                yield from found
                yield from _as_many(where, number, found[0].resources, tries)
                before = number


def _bare(where: Site, tries: int) -> list[Cost]:
    engine = where.engine("bare", {})
    measure.run(engine, *measure.UP)
    return measure.no_ops(engine, "bare, same plugins", None, tries, ours=False)


def _as_many(where: Site, planes: int, resources: int, tries: int) -> list[Cost]:
    """Measure a program with as many resources as that many planes have, of which none is ours."""
    commands = max(1, resources - _BARE)
    engine = where.engine("bare", {"commands": commands, "stdinBytes": _STDIN_BYTES})
    measure.run(engine, *measure.UP, "--parallel", _AT_ONCE)
    return measure.no_ops(engine, f"as many bare ones ({planes})", planes, tries, ours=False)


def _ground(planes: int) -> dict[str, object]:
    return {
        "planes": planes,
        "zone": "cn-hangzhou-i",
        "image": images.DEFAULT.id,
        "instanceType": next(iter(INSTANCE_TYPES)),
    }
