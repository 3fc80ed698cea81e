"""What every action's parameters have in common, and the types they are made of."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_pascal
from pydantic_core import PydanticCustomError

Body = dict[str, JsonValue]
T = TypeVar("T")

_CLEARED_BY_BLANK = ("Description", "Name")
_NOTHING = frozenset({"", "0", "false"})
NOT_SERVED = "not_served"
"""The type of the error about a parameter that the real API has and the sandbox does not act on."""


def names(text: str) -> frozenset[str]:
    """Return names written with blanks between them."""
    return frozenset(text.split())


class Parameters(BaseModel):
    """A group of parameters. ``vpc_id`` is ``VpcId`` on the wire; others are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_pascal)

    not_served: ClassVar[frozenset[str]] = frozenset()
    """What the real API knows and the sandbox does not act on: taken where it asks for nothing, else refused."""

    @classmethod
    def wire_names(cls) -> frozenset[str]:
        """Return what the parameters are called on the wire, those not served among them."""
        served = (field.alias or name for name, field in cls.model_fields.items())
        return cls._all_not_served().union(served)

    @classmethod
    def _all_not_served(cls) -> frozenset[str]:
        return frozenset[str]().union(*(vars(base).get(NOT_SERVED, ()) for base in cls.__mro__))

    @model_validator(mode="before")
    @classmethod
    def _without_not_served(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        not_served = cls._all_not_served()
        for name in sorted(not_served & values.keys()):
            if not _asks_for_nothing(values[name]):
                raise PydanticCustomError(NOT_SERVED, "the sandbox does not act on it", {"name": name})
        return {name: value for name, value in values.items() if name not in not_served}

    @model_validator(mode="before")
    @classmethod
    def _blank_is_absent(cls, values: object) -> object:
        """Drop blank parameters, sent for "not given"; a blank name or description clears it."""
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if value != "" or key.endswith(_CLEARED_BY_BLANK)}


def _asks_for_nothing(value: object) -> bool:
    """Whether a value, or every value in a tree, is blank, zero or false."""
    if isinstance(value, Mapping):
        return all(map(_asks_for_nothing, value.values()))
    if isinstance(value, list):
        return all(map(_asks_for_nothing, value))
    return str(value).lower() in _NOTHING


class Call(Parameters):
    """The parameters of one action. The class is named after it, its docstring says where they come from."""

    # Left over from before RAM; every action of ECS and VPC has them.
    not_served = names("OwnerId OwnerAccount ResourceOwnerId ResourceOwnerAccount")

    region_id: str = ""
    """Many actions on one resource need none: the resource's id says where it is."""


class Repeatable(Call):
    """A call that may carry a client token: repeated with the same one, it is answered the same."""

    client_token: str | None = Field(default=None, max_length=64)


class Rehearsable(Parameters):
    """A call that may be made for its checks alone: what passes them is refused with DryRunOperation, and not done."""

    dry_run: bool = False


class Paged(Call):
    """A call whose answer comes in pages; a longer one than the API allows is refused."""

    page_number: int = Field(default=1, ge=1)
    page_size: int = Field(default=10, ge=1, le=100)

    def page(self, found: Sequence[T]) -> Sequence[T]:
        """Return the page asked for."""
        first = (self.page_number - 1) * self.page_size
        return found[first : first + self.page_size]

    def counts(self, found: Sequence[T]) -> Body:
        """Return the part of the answer that says which page it is of how many."""
        return {"TotalCount": len(found), "PageNumber": self.page_number, "PageSize": self.page_size}


class ShortPaged(Paged):
    """One whose pages are at most half as long: most of VPC's."""

    page_size: int = Field(default=10, ge=1, le=50)


class Tokened(Paged):
    """A call whose answer comes in numbered pages or, with ``MaxResults``, in pages that name the next.

    The API has no pages of fewer than ten; here they may be as short as a test wants.
    """

    max_results: int | None = Field(default=None, ge=1, le=100)
    next_token: str = Field(default="", pattern=r"^[0-9]*$")

    def page(self, found: Sequence[T]) -> Sequence[T]:
        """Return the page asked for."""
        if self.max_results is None:
            return super().page(found)
        first = int(self.next_token or "0")
        return found[first : first + self.max_results]

    def counts(self, found: Sequence[T]) -> Body:
        """Return the counts; a token only where there is more, since clients ask on until there is none."""
        if self.max_results is None:
            return super().counts(found)
        last = int(self.next_token or "0") + self.max_results
        return {"TotalCount": len(found), **({"NextToken": str(last)} if last < len(found) else {})}


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


def at_most(most: int) -> AfterValidator:
    """Take a longer page for one of so many entries, as the API says of some of its actions."""
    return AfterValidator(lambda wanted: min(wanted, most))


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
