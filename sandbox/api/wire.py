"""The wire format: flat parameters in query and form become a tree; secrets stay out of the log."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from sandbox.cloud import errors

COMMON = frozenset(
    {
        "Action",
        "Version",
        "Format",
        "Timestamp",
        "SignatureNonce",
        "SignatureMethod",
        "SignatureVersion",
        "SignatureType",
        "AccessKeyId",
        "Signature",
        "SecurityToken",
    }
)
"""Parameters every call carries. Source: API documentation "Common parameters"."""
_SECRET = ("Password", "UserData", "PrivateKeyBody", "PublicKeyBody")

Tree = dict[str, "Tree | list[Tree | str] | str"]


def merge(query: str, form: str) -> dict[str, str]:
    """Return all parameters of a call, wherever they stood: clients split them as they like."""
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(form, keep_blank_values=True)
    return dict(pairs)


def business(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return an action's own parameters."""
    return {name: value for name, value in parameters.items() if name not in COMMON}


def tree(parameters: Mapping[str, str]) -> Tree:
    """Fold ``Tag.1.Key=a`` into ``{"Tag": [{"Key": "a"}]}``; lists count from 1.

    Raises:
        InvalidParameter: a name is used both for a value and for a list, or a list has gaps.

    """
    root: Tree = {}
    for name, value in parameters.items():
        *path, last = name.split(".")
        node = root
        for step in path:
            child = node.setdefault(step, {})
            if not isinstance(child, dict):
                raise errors.common.InvalidParameter(name, f"{step} is a value and a list at once.")
            node = child
        if last in node:
            raise errors.common.InvalidParameter(name, f"{last} is a value and a list at once.")
        node[last] = value
    return {name: _listed(name, child) for name, child in root.items()}


def _listed(name: str, node: "Tree | list[Tree | str] | str") -> "Tree | list[Tree | str] | str":
    if not isinstance(node, dict):
        return node
    children = {key: _listed(f"{name}.{key}", child) for key, child in node.items()}
    if not any(key.isdigit() for key in children):
        return children
    expected = [str(number) for number in range(1, len(children) + 1)]
    if sorted(children, key=lambda key: (len(key), key)) != expected:
        raise errors.common.InvalidParameter(name, "its elements must be numbered 1, 2, 3 and so on.")
    elements = (children[key] for key in expected)
    return [element for element in elements if not isinstance(element, list)]


def for_log(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return an action's parameters fit to be written down."""
    return {
        name: f"<{len(value)} characters>" if name.endswith(_SECRET) else value
        for name, value in business(parameters).items()
    }
