"""Rules on SSH arguments, which no file is rendered from: host keys that are some."""

from collections.abc import Iterator, Mapping

from components import inputs, ssh
from components.violations import Violation


def check(args: Mapping[str, object]) -> Iterator[Violation]:
    """Check the component's ``ssh`` and that of every host, as far as it is known now."""
    yield from _login(args.get("ssh"), "ssh")
    for kind in ("balancers", "backends"):
        for index, host in enumerate(inputs.sequence(args.get(kind))):
            yield from _login(inputs.mapping(host).get("ssh"), f"{kind}[{index}].ssh")


def _login(given: object, where: str) -> Iterator[Violation]:
    if not isinstance(given, Mapping):
        return
    expected = given.get("host_key")
    if isinstance(expected, str) and expected not in ("", ssh.ANY_HOST_KEY) and not ssh.key_of(expected):
        rule, remedy = "is no host key", "give it as known_hosts has it (ecdsa-sha2-nistp256 AAAA...), or any"
        yield Violation(f"{where}.host_key", expected, rule, remedy)
    yield from _login(given.get("proxy"), f"{where}.proxy")
