"""What the toolchain is made of, and what each part is built from. Nothing here runs or writes anything."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent

GO_VERSION = (1, 26)
"""The oldest Go that builds every part: the ``go`` line of the go.mod files."""

PULUMI_VERSION = (3, 105)
"""The oldest official engine that is used: the first with ``refresh --preview-only``, by which ``make verify`` asks."""

_SDK_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


@dataclass(frozen=True)
class Companion:
    """A file that must lie beside a binary and comes out of a Go module as it is."""

    module: str
    path: str


@dataclass(frozen=True)
class Part:
    """One binary of the toolchain, built from one Go module of this repository."""

    name: str
    package: str
    """The Go package, as ``go build`` takes it."""
    binary: str
    version: str
    """What the binary says it is: a plugin has the version of its SDK, else the engine warns."""
    version_variable: str | None = None
    """The Go variable that takes the version; None where the source states it itself."""
    usual_seconds: int = 60
    """A build from nothing on two cores, downloads included."""
    companions: tuple[Companion, ...] = ()
    source: Path = _HERE

    @property
    def directory(self) -> Path:
        """The Go module."""
        return self.source / self.name

    @property
    def plugin(self) -> str | None:
        """The name of the resource plugin, or None for the engine and the language host."""
        prefix = "pulumi-resource-"
        return self.binary.removeprefix(prefix) if self.binary.startswith(prefix) else None

    @property
    def linker_flags(self) -> str:
        """No symbol tables (they double the size); the version."""
        stamp = f" -X {self.version_variable}={self.version}" if self.version_variable else ""
        return f"-s -w{stamp}"


ENGINE = Part(
    name="engine",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    binary="pulumi",
    version="v3.259.0",
    version_variable=_SDK_VERSION_VARIABLE,
    usual_seconds=420,
)
LANGUAGE_HOST = Part(
    name="language-python",
    package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
    binary="pulumi-language-python",
    version="v3.79.0",
    version_variable=_SDK_VERSION_VARIABLE,
    usual_seconds=20,
    companions=(Companion("github.com/pulumi/pulumi/sdk/v3", "python/cmd/pulumi-language-python-exec"),),
)
ALICLOUD = Part(
    name="alicloud",
    package=".",
    binary="pulumi-resource-alicloud",
    version="4.0.0",
    version_variable="main.version",
    usual_seconds=660,
)
COMMAND = Part(
    name="command",
    package=".",
    binary="pulumi-resource-command",
    version="1.2.1",
    usual_seconds=60,
)

PARTS = (ALICLOUD, ENGINE, COMMAND, LANGUAGE_HOST)
"""Longest first: with few cores that order ends soonest."""

PLUGINS = tuple(part for part in PARTS if part.plugin)


def key(part: Part, go_version: str) -> str:
    """Return twelve hexadecimal digits that change whenever the binary built from ``part`` could."""
    digest = hashlib.sha256()
    for field in (go_version, part.package, part.linker_flags, *map(repr, part.companions)):
        digest.update(field.encode() + b"\0")
    for path in sources(part):
        digest.update(path.relative_to(part.directory).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def sources(part: Part) -> list[Path]:
    """List the files that decide what is built, in a stable order; tests are not among them."""
    return sorted(
        path
        for pattern in ("go.mod", "go.sum", "**/*.go")
        for path in part.directory.glob(pattern)
        if not path.name.endswith("_test.go")
    )


def combined_key(keys: Iterable[str]) -> str:
    """Derive the key of what is assembled from several parts."""
    return hashlib.sha256("\0".join(sorted(keys)).encode()).hexdigest()[:12]
