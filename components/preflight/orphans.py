"""What a run that was cut off did in the cloud and never recorded: pure functions, and what to do about it.

The engine notes a create or a delete in the state before it asks the provider. One that dies in between leaves the
note, and maybe an object that no state has, or that no cloud has. Everything here is of the kinds that the components
create and that may exist once only; the rest, host steps and security group rules, is simply made again.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import remedies, tokens
from components.rules.violations import UNCHANGED

_STACK = "::pulumi:pulumi:Stack::"
"""In the URN of the parent that a resource without one has."""
Found = Mapping[str, Any]
"""One object as a data source of the provider shows it."""


@dataclass(frozen=True)
class Create:
    """One create that was under way when the engine died."""

    type: str
    urn: str
    inputs: Mapping[str, Any]
    parent: str = ""
    provider: str = ""
    """URN of the provider, without the id that follows it in a state."""

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Delete:
    """One delete that was under way when the engine died."""

    type: str
    urn: str
    id: str

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Question:
    """What to ask the provider: one of its data sources, and the key of its answer that holds the list."""

    token: str
    arguments: Mapping[str, Any]
    listed: str


@dataclass(frozen=True)
class Orphan:
    """A cut off create, and the ids of what it may have made: one, unless several objects look alike."""

    create: Create
    ids: tuple[str, ...]
    recorded: bool = False
    """Whether the state has another object under this URN, so that there is no place for this one."""


@dataclass(frozen=True)
class _Kind:
    token: str
    listed: str
    arguments: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    same: Mapping[str, str]
    """Input, and the key under which the data source shows it; an input that is not given says nothing."""
    unused: str = ""
    """What is empty as long as nothing was built on the object; all that builds on it comes after it is recorded."""


_EIP = "alicloud:ecs/eipAddress:EipAddress"
_KINDS = {
    "alicloud:vpc/network:Network": _Kind(
        "alicloud:vpc/getNetworks:getNetworks",
        "vpcs",
        lambda inputs: {"vpcName": inputs.get("vpcName"), "enableDetails": False},
        {"vpcName": "vpcName", "cidrBlock": "cidrBlock"},
        "vswitchIds",
    ),
    "alicloud:vpc/switch:Switch": _Kind(
        "alicloud:vpc/getSwitches:getSwitches",
        "vswitches",
        lambda inputs: {"vpcId": inputs.get("vpcId")},
        {"vswitchName": "vswitchName", "vpcId": "vpcId", "cidrBlock": "cidrBlock", "zoneId": "zoneId"},
    ),
    "alicloud:ecs/securityGroup:SecurityGroup": _Kind(
        "alicloud:ecs/getSecurityGroups:getSecurityGroups",
        "groups",
        lambda inputs: {"vpcId": inputs.get("vpcId"), "enableDetails": False},
        {"securityGroupName": "name", "vpcId": "vpcId"},
    ),
    "alicloud:ecs/ecsKeyPair:EcsKeyPair": _Kind(
        "alicloud:ecs/getEcsKeyPairs:getEcsKeyPairs",
        "pairs",
        lambda inputs: {"nameRegex": f"^{re.escape(str(inputs.get('keyPairName', '')))}$"},
        {"keyPairName": "keyPairName"},
    ),
    "alicloud:ecs/instance:Instance": _Kind(
        "alicloud:ecs/getInstances:getInstances",
        "instances",
        lambda inputs: {"vswitchId": inputs.get("vswitchId"), "enableDetails": False},
        {"instanceName": "name", "privateIp": "privateIp", "vswitchId": "vswitchId"},
    ),
    tokens.HA_VIP: _Kind(
        "alicloud:vpc/getHavips:getHavips",
        "havips",
        lambda _: {},
        {"haVipName": "havipName", "vswitchId": "vswitchId", "ipAddress": "ipAddress"},
        "associatedInstances",
    ),
    _EIP: _Kind(
        "alicloud:ecs/getEipAddresses:getEipAddresses",
        "addresses",
        lambda inputs: {"addressName": inputs.get("addressName"), "enableDetails": False},
        {"addressName": "addressName", "bandwidth": "bandwidth"},
        "instanceId",
    ),
}


@dataclass(frozen=True)
class _Link:
    """A kind that joins two objects: its id is both of theirs, and the first one's data source shows the second."""

    token: str
    listed: str
    first: str
    second: str
    shown: str

    def joins(self, first: str, second: str, answer: Iterable[Found]) -> bool:
        """Say whether `answer` shows the first object joined to the second."""
        shown = [found.get(self.shown) or [] for found in answer if found["id"] == first]
        return any(second in ([one] if isinstance(one, str) else one) for one in shown)


_LINKS = {
    tokens.ATTACHMENT: _Link(
        "alicloud:vpc/getHavips:getHavips", "havips", "haVipId", "instanceId", "associatedInstances"
    ),
    "alicloud:ecs/eipAssociation:EipAssociation": _Link(
        "alicloud:ecs/getEipAddresses:getEipAddresses",
        "addresses",
        "allocationId",
        "instanceId",
        "instanceId",
    ),
}

_ONCE = {_EIP, *_LINKS}
"""What the provider cannot delete twice. Of every other kind it takes "not found" for done."""


def pending(deployment: Mapping[str, Any]) -> list[Create]:
    """Return the creates in a state's pending operations that may have left something, each once."""
    found: list[Create] = []
    for operation in deployment.get("pending_operations") or []:
        resource = operation["resource"]
        if operation["type"] != "creating" or resource["type"] not in {*_KINDS, *_LINKS}:
            continue
        create = Create(
            resource["type"],
            resource["urn"],
            resource.get("inputs") or {},
            resource.get("parent") or "",
            (resource.get("provider") or "").rpartition("::")[0],
        )
        if create not in found:
            found.append(create)
    return found


def deletes(deployment: Mapping[str, Any]) -> list[Delete]:
    """Return the deletes in a state's pending operations that fail if they are done already, each once.

    Another provider than the default one may be of another region or account, where nobody is asked: not those.
    """
    found = [
        Delete(operation["resource"]["type"], operation["resource"]["urn"], operation["resource"]["id"])
        for operation in deployment.get("pending_operations") or []
        if operation["type"] == "deleting"
        and operation["resource"]["type"] in _ONCE
        and "::default" in (operation["resource"].get("provider") or "::default")
    ]
    return [*dict.fromkeys(found)]


def question(step: Create | Delete) -> Question:
    """Return what to ask the provider so that `orphan` can tell what `step` made, or `gone` whether it was done."""
    if isinstance(step, Delete):
        return _about(_LINKS.get(step.type) or _KINDS[step.type], step.id.partition(":")[0])
    if link := _LINKS.get(step.type):
        return _about(link, step.inputs[link.first])
    kind = _KINDS[step.type]
    given = {key: value for key, value in kind.arguments(step.inputs).items() if value is not None}
    return Question(kind.token, given, kind.listed)


def _about(kind: _Kind | _Link, id_: str) -> Question:
    """Return the question about one object."""
    arguments = {"ids": [id_], "enableDetails": False}
    if kind.listed == "havips":
        del arguments["enableDetails"]
    return Question(kind.token, arguments, kind.listed)


def gone(delete: Delete, answer: Sequence[Found]) -> bool:
    """Say whether `delete` was done, as the `answer` to its question tells."""
    first, _, second = delete.id.partition(":")
    if link := _LINKS.get(delete.type):
        return not link.joins(first, second, answer)
    return all(found["id"] != first for found in answer)


def orphan(create: Create, answer: Iterable[Found], deployment: Mapping[str, Any]) -> Orphan | None:
    """Return what `create` made, as the `answer` to its question tells; nothing if it made nothing.

    What the state has already is nobody's orphan.
    """
    resources = [one for one in deployment.get("resources") or [] if one.get("id")]
    # A link's id is unique within its kind only; so may be a name.
    known = {(one["type"], one["id"]) for one in resources}
    ids = tuple(id_ for id_ in _ids(create, answer) if (create.type, id_) not in known)
    return Orphan(create, ids, any(one["urn"] == create.urn for one in resources)) if ids else None


def _ids(create: Create, answer: Iterable[Found]) -> Iterable[str]:
    if link := _LINKS.get(create.type):
        first, second = create.inputs[link.first], create.inputs[link.second]
        return [f"{first}:{second}"] if link.joins(first, second, answer) else []
    kind = _KINDS[create.type]
    return [str(found["id"]) for found in answer if _matches(kind, create.inputs, found)]


def _matches(kind: _Kind, inputs: Mapping[str, Any], found: Found) -> bool:
    if kind.unused and found.get(kind.unused):
        return False
    given = {theirs: inputs[ours] for ours, theirs in kind.same.items() if isinstance(inputs.get(ours), str)}
    return bool(given) and all(found.get(key) == value for key, value in given.items())


def import_command(create: Create, id_: str, stack: str) -> str:
    """Return the command that gives the object `id_` the place in the state that `create` was to fill."""
    words = ["pulumi", "import", create.type, create.name, id_]
    if create.parent and _STACK not in create.parent:
        words += ["--parent", f"parent={create.parent}"]
    if create.provider:
        words += ["--provider", f"provider={create.provider}"]
    flags = ["--protect=false", "--generate-code=false", "--skip-preview", "--yes", "--stack", stack]
    return shlex.join([*words, *flags])


def clear_command(stack: str) -> str:
    """Return the command that drops every note of a create that was cut off, and what is gone."""
    return remedies.refresh(stack, "--clear-pending-creates")


def message(
    stack: str,
    orphans: Sequence[Orphan],
    deleted: Sequence[Delete],
    unknown: Sequence[tuple[Create | Delete, str]],
) -> str:
    """Everything to know and do, as one text.

    `deleted` is gone, and `unknown` are operations whose outcome could not be asked for, each with the reason.
    """
    count = len(orphans) + len(deleted) + len(unknown)
    lines = [
        f"{stack}: a run was cut off, and the state does not know how {count} of its steps ended, {UNCHANGED}:"
    ]
    for one in orphans:
        lines += _entry(one, stack)
    for delete in deleted:
        said = f"  - {delete.name} = {delete.id!r} ({delete.type}, {delete.urn}): "
        lines.append(f"{said}it was deleted, and is in the state still; the last command drops it")
    for step, reason in unknown:
        what, remedy = (
            ("made", "run `pulumi up` again, or look for it in the console and delete it")
            if isinstance(step, Create)
            else ("deleted", "the last command asks again, and drops it if it was")
        )
        lines.append(
            f"  - {step.urn}: the cloud could not be asked whether it was {what} ({reason}); {remedy}"
        )
    lines += [
        "leave alone what is not this stack's; then drop what was noted of these steps, which is said only once of a "
        "delete, and go on with `pulumi up`:",
        f"      {clear_command(stack)}",
    ]
    return "\n".join(lines)


def _entry(orphan: Orphan, stack: str) -> list[str]:
    create, several = orphan.create, len(orphan.ids) > 1
    value = " or ".join(orphan.ids)
    said = f"  - {create.name} = {value!r} ({create.type}, {create.urn}): "
    if orphan.recorded:
        gone = "detach it" if create.type in _LINKS else "delete it"
        return [f"{said}it was made, and the state has another one in its place; {gone} in the console"]
    rule = "was made, and is not in the state"
    if several:
        # A provider that tries again after a timeout may have made two.
        rule = (
            "these look alike, and none is in the state; import one that this stack made, and delete every other "
            "one that it made in the console"
        )
        return [said + rule, *(f"      {import_command(create, id_, stack)}" for id_ in orphan.ids)]
    return [f"{said}it {rule}; import it", f"      {import_command(create, value, stack)}"]
