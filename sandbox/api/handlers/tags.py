"""Tags of every resource, in the two spellings of the two products."""

from pydantic import Field, JsonValue

from sandbox.api.model import Body, Call, Paged, Tag, as_dict, has_tags, names
from sandbox.api.registry import ECS, VPC, action
from sandbox.cloud import tags
from sandbox.cloud.session import Session

_MOST = 50


class TagResources(Call):
    """ECS and VPC API references, TagResources."""

    resource_type: str
    resource_id: tuple[str, ...] = Field(min_length=1, max_length=_MOST)
    tag: tuple[Tag, ...] = Field(min_length=1)


class UntagResources(Call):
    """ECS and VPC API references, UntagResources; VPC spells it UnTagResources."""

    not_served = names("Tag")

    resource_type: str
    resource_id: tuple[str, ...] = Field(min_length=1, max_length=_MOST)
    tag_key: tuple[str, ...] = ()
    all: bool = False


class ListTagResources(Call):
    """ECS and VPC API references, ListTagResources."""

    not_served = names("TagFilter")

    resource_type: str
    resource_id: tuple[str, ...] = Field(min_length=1, max_length=_MOST)
    tag: tuple[Tag, ...] = ()
    max_results: int = Field(default=_MOST, ge=1, le=_MOST)
    next_token: str = Field(default="", pattern=r"^[0-9]*$")


class DescribeTags(Paged):
    """ECS API reference, DescribeTags. Of images and disks, which have none here."""

    not_served = names("Category Tag")

    resource_type: str
    resource_id: str = ""


@action(ECS, TagResources, changes=True)
@action(VPC, TagResources, changes=True)
def tag_resources(session: Session, call: TagResources) -> Body:
    """Add tags."""
    tags.tag(session, tags.find(session, call.resource_type, call.resource_id), as_dict(call.tag))
    return {}


@action(ECS, UntagResources, changes=True)
@action(VPC, UntagResources, changes=True, name="UnTagResources")
def untag_resources(session: Session, call: UntagResources) -> Body:
    """Take tags off."""
    found = tags.find(session, call.resource_type, call.resource_id)
    tags.untag(found, None if call.all and not call.tag_key else call.tag_key)
    return {}


@action(ECS, ListTagResources)
@action(VPC, ListTagResources)
def list_tag_resources(session: Session, call: ListTagResources) -> Body:
    """Show the tags of resources."""
    shown: list[JsonValue] = [
        {"ResourceId": resource.id, "ResourceType": call.resource_type, "TagKey": key, "TagValue": value}
        for resource in tags.find(session, call.resource_type, call.resource_id)
        if has_tags(resource.tags, call.tag)
        for key, value in resource.tags.items()
    ]
    first = int(call.next_token or "0")
    last = first + call.max_results
    more: Body = {"NextToken": str(last)} if last < len(shown) else {}
    return {"TagResources": {"TagResource": shown[first:last]}, **more}


@action(ECS, DescribeTags)
def describe_tags(session: Session, call: DescribeTags) -> Body:
    """Show the tags of one resource."""
    found: list[JsonValue] = []
    if call.resource_type.upper() in tags.FINDERS and call.resource_id:
        resource = tags.find(session, call.resource_type, [call.resource_id])[0]
        found = [{"TagKey": key, "TagValue": value} for key, value in resource.tags.items()]
    return {"Tags": {"Tag": list(call.page(found))}, **call.counts(found)}
