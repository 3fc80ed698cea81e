"""Tags of any resource. Source: API reference TagResources, documentation "Tag" (limits)."""

from collections.abc import Callable, Iterable

from sandbox.cloud import errors
from sandbox.cloud.session import Session
from sandbox.cloud.state import Resource

RESERVED = ("aliyun", "acs:", "http://", "https://")
KEY_LENGTH = 128

FINDERS: dict[str, Callable[[Session, str], Resource]] = {
    "VPC": Session.vpc,
    "VSWITCH": Session.vswitch,
    "HAVIP": Session.ha_vip,
    "EIP": Session.eip,
    "INSTANCE": Session.instance,
    "SECURITYGROUP": Session.security_group,
    "KEYPAIR": Session.key_pair,
}
"""How the resource of a tag call is found, by its type in capitals: the two products spell it differently."""


def checked(session: Session, owner: str, tags: dict[str, str]) -> dict[str, str]:
    """Return ``tags``, or raise what the cloud says to them."""
    limit = session.offer.limits.tags
    if len(tags) > limit:
        raise errors.common.TooManyTags(owner, limit)
    for key in tags:
        if not key or len(key) > KEY_LENGTH:
            raise errors.common.InvalidTagKey(key, f"it has 1 to {KEY_LENGTH} characters.")
        if key.lower().startswith(RESERVED):
            raise errors.common.InvalidTagKey(key, f"it must not begin with {', '.join(RESERVED)}.")
    return tags


def find(session: Session, kind: str, identifiers: Iterable[str]) -> list[Resource]:
    """Return the resources of a tag call, all of them or none."""
    finder = FINDERS.get(kind.upper())
    if finder is None:
        raise errors.common.InvalidParameter("ResourceType", f"{kind} is none of {', '.join(FINDERS)}.")
    return [finder(session, identifier) for identifier in identifiers]


def tag(session: Session, resources: Iterable[Resource], tags: dict[str, str]) -> None:
    """Add tags; a key that is there gets the new value."""
    for resource in resources:
        resource.tags = checked(session, resource.id, {**resource.tags, **tags})


def untag(resources: Iterable[Resource], keys: Iterable[str] | None) -> None:
    """Take tags off by key, or all of them for None."""
    for resource in resources:
        gone = resource.tags if keys is None else set(keys)
        resource.tags = {key: value for key, value in resource.tags.items() if key not in gone}
