"""Arguments against their ``TypedDict``: unknown and missing keys, wrong types, ``Output`` where none can be.

Every component's arguments have passed here before anything else looks at them.
"""

import types
from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypeVar, Union, cast, get_args, get_origin, is_typeddict

import pulumi

from components.rules import kinds
from components.rules.violations import Violation

_T = TypeVar("_T")
HIDDEN = frozenset({"private_key", "private_key_password", "password", "auth_pass"})
"""Keys whose values no message shows."""


def violations(form: type, value: object, *, later: frozenset[str] = frozenset()) -> list[Violation]:
    """Everything about `value` that does not fit `form`. Keys in `later` (at any depth) may be missing."""
    return list(_mapping(form, value, "", later))


def given(args: _T) -> _T:
    """Return `args` without what is ``None``, at any depth: to Pulumi's users that is how nothing is said.

    Before that, `violations` has found what must not be ``None``.
    """
    return cast(_T, _given(args))


def _given(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return [_given(item) for item in value] if isinstance(value, list | tuple) else value


def plain_type(hint: object) -> tuple[object, bool]:
    """Return what a hint says without ``NotRequired`` and ``Input``, and whether it may be an ``Output``."""
    if _origin(hint) is NotRequired:
        hint = get_args(hint)[0]
    if _origin(hint) in (Union, types.UnionType):
        return get_args(hint)[0], True
    return hint, False


def _origin(hint: object) -> object:
    return get_origin(hint)


def _mapping(form: type, value: object, where: str, later: frozenset[str]) -> Iterator[Violation]:
    if isinstance(value, pulumi.Output):
        yield _wrong(
            where, value, "must be plain: its keys decide what there is", "make only its leaves Outputs"
        )
        return
    if not isinstance(value, Mapping):
        # Where keys should be that are hidden, a text may be what they hide.
        shown = "a text" if isinstance(value, str) else value
        yield _wrong(where, shown, *kinds.MAPPING)
        return
    hints = form.__annotations__
    for key in value:
        if key not in hints:
            yield kinds.unknown(_at(where, key), hints)
    for key, hint in hints.items():
        given = value.get(key)
        if given is not None:
            yield from _value(hint, given, _at(where, key), later)
        elif _origin(hint) is not NotRequired and key not in later:
            yield Violation(_at(where, key), None, "is required", "give it")


def _value(hint: object, value: object, where: str, later: frozenset[str]) -> Iterator[Violation]:
    kind, open_ = plain_type(hint)
    origin = _origin(kind)
    if isinstance(value, pulumi.Output) and open_:
        return
    if isinstance(kind, type) and is_typeddict(kind):
        yield from _mapping(kind, value, where, later)
    elif origin is list:
        yield from _list(get_args(kind)[0], value, where, later)
    elif origin is Mapping:
        yield from _map(get_args(kind)[1], value, where, later)
    elif kind == Any:
        if not isinstance(value, pulumi.Resource):
            yield _wrong(where, value, "must be a resource", "give the resource itself, or leave it out")
    elif kind in kinds.NOUNS:
        yield from _scalar(kind, value, where)


def _list(item: object, value: object, where: str, later: frozenset[str]) -> Iterator[Violation]:
    if isinstance(value, pulumi.Output):
        remedy = "make a list of it; what is in it may be Outputs"
        yield _wrong(where, value, "must be plain: its length decides what there is", remedy)
    elif not isinstance(value, list | tuple):
        yield _wrong(where, value, *kinds.LIST)
    else:
        for index, entry in enumerate(value):
            yield from _value(item, entry, f"{where}[{index}]", later)


def _map(item: object, value: object, where: str, later: frozenset[str]) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        yield _wrong(where, value, *kinds.MAPPING)
        return
    for key, entry in value.items():
        yield from _value(item, entry, _at(where, key), later)


def _scalar(kind: type, value: object, where: str) -> Iterator[Violation]:
    if isinstance(value, pulumi.Output):
        yield _wrong(where, value, "must be known at preview", "give a plain value")
    elif not kinds.fits(kind, value):
        yield _wrong(where, value, *kinds.misfit(kind))


def _wrong(where: str, value: object, rule: str, remedy: str) -> Violation:
    shown = "an Output" if isinstance(value, pulumi.Output) else value
    if where.rpartition(".")[2] in HIDDEN:
        shown = "[secret]"
    return Violation(where or "arguments", shown, rule, remedy)


def _at(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)
