"""Types of single parameters."""

from typing import Annotated, TypeVar

from pydantic import BeforeValidator

T = TypeVar("T")


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Lower = Annotated[T, BeforeValidator(_lower)]
"""A word whose case does not matter on the wire."""
