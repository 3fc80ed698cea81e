"""What every action's parameters have in common, and the types they are made of."""

import json
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_pascal

from sandbox.cloud.catalogue import REGIONS

Body = dict[str, JsonValue]
T = TypeVar("T")

_CLEARED_BY_BLANK = ("Description", "Name")


class Parameters(BaseModel):
    """A group of parameters. ``vpc_id`` is ``VpcId`` on the wire; others are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_pascal)

    @model_validator(mode="before")
    @classmethod
    def _blank_is_absent(cls, values: object) -> object:
        """Drop blank parameters, sent for "not given"; a blank name or description clears it."""
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if value != "" or key.endswith(_CLEARED_BY_BLANK)}


class Call(Parameters):
    """The parameters of one action. The class is named after it, its docstring says where they come from."""

    region_id: str = REGIONS[0]


class Repeatable(Call):
    """A call that may carry a client token: repeated with the same one, it is answered the same."""

    client_token: str | None = Field(default=None, max_length=64)


class Paged(Call):
    """A call whose answer comes in pages."""

    page_number: int = Field(default=1, ge=1)
    page_size: int = Field(default=10, ge=1, le=100)

    def page(self, found: Sequence[T]) -> Sequence[T]:
        """Return the page asked for."""
        first = (self.page_number - 1) * self.page_size
        return found[first : first + self.page_size]

    def counts(self, found: Sequence[T]) -> Body:
        """Return the part of the answer that says which page it is of how many."""
        return {"TotalCount": len(found), "PageNumber": self.page_number, "PageSize": self.page_size}


class Tag(Parameters):
    """One tag; a filter may leave the value out."""

    key: str
    value: str = ""


class Filter(Parameters):
    """One filter: any of the values will do."""

    key: str
    value: tuple[str, ...] = ()


def _from_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('a JSON list such as ["a","b"] is wanted') from None


JsonList = Annotated[tuple[str, ...], BeforeValidator(_from_json)]
"""A list that travels as one JSON string."""


def as_dict(tags: Sequence[Tag]) -> dict[str, str]:
    """Return tags as the cloud keeps them."""
    return {tag.key: tag.value for tag in tags}


def vpc_tags(tags: dict[str, str]) -> Body:
    """Return tags in the words of the VPC API."""
    return {"Tag": [{"Key": key, "Value": value} for key, value in tags.items()]}


def ecs_tags(tags: dict[str, str]) -> Body:
    """Return tags in the words of the ECS API."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}


def has_tags(tags: dict[str, str], wanted: Sequence[Tag]) -> bool:
    """Tell whether a resource passes a tag filter."""
    return all(tag.key in tags and tag.value in ("", tags[tag.key]) for tag in wanted)
