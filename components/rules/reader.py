"""Plain mappings into the dataclasses of ``planning/settings.py``: unknown keys and wrong types become violations."""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar, cast, get_args, get_origin, get_type_hints

from components.planning.settings import NOT_GIVEN
from components.rules import kinds
from components.rules.violations import Violation

_T = TypeVar("_T")


def read(target: type[_T], raw: Mapping[str, object], violations: list[Violation], where: str = "") -> _T:
    """Make a `target` of `raw`; a value that does not fit is reported and replaced by the default.

    What is ``None`` is not given; an entry of a list cannot be that.
    """
    hints = get_type_hints(target)
    values: dict[str, object] = {}
    for key, value in raw.items():
        path = f"{where}.{key}" if where else key
        if key not in hints:
            violations.append(kinds.unknown(path, hints))
        elif value is not None:
            converted = _convert(hints[key], value, violations, path)
            if converted is not None:
                values[key] = converted
    return target(**values)


def _convert(hint: object, value: object, violations: list[Violation], path: str) -> object:
    """Return `value` as `hint` wants it, or ``None`` after reporting why not."""
    if get_origin(hint) is types.UnionType:  # T | None
        hint = get_args(hint)[0]
    if get_origin(hint) is tuple:
        return _sequence(get_args(hint)[0], value, violations, path)
    if not isinstance(hint, type):
        raise TypeError(f"{path}: settings of type {hint} are not read")
    if dataclasses.is_dataclass(hint):
        if isinstance(value, Mapping):
            return read(hint, value, violations, path)
        return _mismatch(violations, path, value, *kinds.MAPPING)
    if issubclass(hint, Enum):
        return _member(hint, value, violations, path)
    return _scalar(hint, value, violations, path)


def _sequence(item: object, value: object, violations: list[Violation], path: str) -> object:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return _mismatch(violations, path, value, *kinds.LIST)
    found = [_convert(item, entry, violations, f"{path}[{index}]") for index, entry in enumerate(value)]
    return tuple(_placeholder(item) if entry is None else entry for entry in found)


def _placeholder(item: object) -> object:
    """Stand in for an entry that does not fit, so that those after it keep their place."""
    return NOT_GIVEN if item is int else cast(type, item)()


def _member(hint: type[Enum], value: object, violations: list[Violation], path: str) -> object:
    try:
        return hint(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in hint)
        return _mismatch(violations, path, value, "is not a known value", f"use one of {known}")


def _scalar(hint: type, value: object, violations: list[Violation], path: str) -> object:
    if not kinds.fits(hint, value):
        return _mismatch(violations, path, value, *kinds.misfit(hint))
    return int(value) if isinstance(value, float) else value


def _mismatch(violations: list[Violation], path: str, value: object, rule: str, remedy: str) -> object:
    violations.append(Violation(path, value, rule, remedy))
    return None
