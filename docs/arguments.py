"""Arguments as documentation: every annotated attribute of a class with its type, default and docstring."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from components import enums

COMPONENTS = Path(enums.__file__).parent
_WRAPPERS = ("NotRequired", "pulumi.Input", "pulumi.Output")
_CLASS = re.compile(r"\b[A-Z]\w*(?:Args|Output)\b")
_DEFAULT = re.compile(r"\s*\bDefault: (.+?)\.?$")


@dataclass(frozen=True)
class Argument:
    """One attribute of a class. `default` is empty where the docstring names none."""

    key: str
    type: str
    required: bool
    default: str
    description: str


@dataclass(frozen=True)
class Described:
    """One class with its docstring and attributes."""

    name: str
    description: str
    attributes: tuple[Argument, ...]


def described(file: str) -> dict[str, Described]:
    """Return every class of a module of ``components`` by name."""
    module = ast.parse((COMPONENTS / file).read_text())
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    return {node.name: _class(node) for node in classes}


def _class(node: ast.ClassDef) -> Described:
    return Described(node.name, markdown(ast.get_docstring(node) or ""), tuple(_attributes(node)))


def _attributes(node: ast.ClassDef) -> Iterator[Argument]:
    for attribute, after in zip(node.body, node.body[1:], strict=False):
        if not isinstance(attribute, ast.AnnAssign) or not isinstance(attribute.target, ast.Name):
            continue
        annotation = ast.unparse(attribute.annotation)
        text = markdown(_text(after))
        default = _DEFAULT.search(text)
        yield Argument(
            key=attribute.target.id,
            type=type_words(annotation),
            required=not annotation.startswith("NotRequired"),
            default=default[1] if default else "",
            description=_DEFAULT.sub("", text),
        )


def _text(node: ast.stmt) -> str:
    """Return the attribute's docstring: a bare text after it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def markdown(text: str) -> str:
    """Return a docstring as Markdown on one line."""
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip()


def type_words(annotation: str) -> str:
    """Say a type the way a reader of YAML thinks of it; every leaf may be an Output anyway."""
    text = annotation
    for wrapper in _WRAPPERS:
        while match := re.search(
            rf"{re.escape(wrapper)}\[((?:[^\[\]]|\[(?:[^\[\]]|\[[^\]]*\])*\])*)\]", text
        ):
            text = text[: match.start()] + match[1] + text[match.end() :]
    text = text.replace("Mapping[str, str]", "map of string").replace("dict[str, int]", "map of integer")
    text = text.replace("Any", "resource")
    text = re.sub(r"\blist\[(.+)\]", r"list of \1", text)
    for ours, theirs in (("str", "string"), ("int", "integer"), ("bool", "boolean")):
        text = re.sub(rf"\b{ours}\b", theirs, text)
    text = _CLASS.sub(lambda found: f"[{found[0]}](#{found[0].lower()})", text)
    return _choices().get(text, text)


def _choices() -> dict[str, str]:
    """Return each closed set of values by the name of its class."""
    found = [value for value in vars(enums).values() if isinstance(value, type) and value is not StrEnum]
    return {
        kind.__name__: ", ".join(f"`{member.value}`" for member in kind)
        for kind in found
        if issubclass(kind, StrEnum)
    }
