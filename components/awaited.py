"""SSH arguments that only an ``Output`` tells, judged as soon as they are known and before anything takes them.

The next to judge them would be Pulumi's command plugin, and where that refuses one, the engine prints the whole
connection, private key and all.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pulumi

from components.args import ApiServerVipArgs, SshArgs, SshProxyArgs
from components.rules.logins import leaf
from components.rules.violations import NOT_THERE, Refusal


def logins(name: str, args: ApiServerVipArgs) -> ApiServerVipArgs:
    """Return `args` with each Output of an ``ssh`` as one that fails with a `Refusal` if its value breaks a rule."""
    judged: dict[tuple[type, str, int], pulumi.Output[Any]] = {}

    def login(form: type, given: Mapping[str, Any], where: str) -> dict[str, Any]:
        return {key: value(form, key, one, where) for key, one in given.items()}

    def value(form: type, key: str, given: object, where: str) -> object:
        if isinstance(given, Mapping):
            return login(SshProxyArgs, given, f"{where}.{key}")
        if not isinstance(given, pulumi.Output):
            return given
        # Two hosts with one bastion still have one: bastions are compared.
        place = (form, key, id(given))
        if place not in judged:
            judged[place] = _judged(name, form, key, given, where)
        return judged[place]

    def with_login(holder: Mapping[str, Any], where: str) -> dict[str, Any]:
        given = holder.get("ssh")
        return {**holder, **({"ssh": login(SshArgs, given, f"{where}ssh")} if given else {})}

    hosts = {
        kind: [with_login(host, f"{kind}[{index}].") for index, host in enumerate(cast(Any, args)[kind])]
        for kind in ("balancers", "backends")
    }
    return cast(ApiServerVipArgs, {**with_login(cast(Mapping[str, Any], args), ""), **hosts})


def _judged(name: str, form: type, key: str, given: pulumi.Output[Any], where: str) -> pulumi.Output[Any]:
    async def check(value: object) -> object:
        if found := leaf(form, key, value, where):
            # A secret may be given where none is expected.
            secret = await given.is_secret()
            raise Refusal(
                name, [replace(one, value="[secret]") if secret else one for one in found], NOT_THERE
            )
        return value

    return given.apply(check)
