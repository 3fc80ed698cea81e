"""The text form of several files for one service of one host: what ``hostctl apply`` reads.

Plain text, so that a preview shows a changed timer as a changed line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HEADER = "==== "


@dataclass(frozen=True)
class File:
    """One file of a host, owned by root."""

    path: str
    mode: str
    text: str


@dataclass(frozen=True)
class Bundle:
    """The files of one service."""

    owner: str
    """Name of the endpoint the host serves: two endpoints on one host are refused."""
    files: Sequence[File]
    formerly: Sequence[str] = ()
    """Names that the endpoint had before."""
    take_over: bool = False
    """Whether configuration that somebody else made is replaced; else it is a reason to refuse."""
    interface_of: str = ""
    """Address whose interface replaces the interface mark in the files; empty: nothing is replaced."""
    interface: str = ""
    """Interface that has to have the address; empty: whichever has it."""
    descriptors: Sequence[int] = ()
    """File descriptors to use at most, those beyond two a connection, and the connections kept for the monitor: with
    what the host permits they make what replaces the connection marks in the files. Empty: nothing is replaced."""
    probe: str = ""
    """URL of which any HTTP answer means that the service is healthy."""
    lead: bool = False
    """Whether this host is changed last: it keeps the VIP while its VRRP changes, the others stand aside."""
    done: Sequence[str] = ()
    """Names of the hosts that a change reaches before this one."""
    next: Sequence[str] = ()
    """Names of the hosts that it reaches after this one."""
    packages: Sequence[str] = ()
    """Packages of the service whose version is pinned: a changed version is a reason to run again."""

    def __str__(self) -> str:
        headers = [f"owner {self.owner}"]
        headers += [f"formerly {' '.join(self.formerly)}"] if self.formerly else []
        headers += ["take-over yes"] if self.take_over else []
        headers += ["lead yes"] if self.lead else []
        headers += [f"done {', '.join(self.done)}"] if self.done else []
        headers += [f"next {', '.join(self.next)}"] if self.next else []
        headers += [f"package {package}" for package in self.packages]
        headers += [f"descriptors {' '.join(map(str, self.descriptors))}"] if self.descriptors else []
        headers += [f"probe {self.probe}"] if self.probe else []
        headers += [f"interface {self.interface_of} {self.interface}".rstrip()] if self.interface_of else []
        text = "".join(f"{_HEADER}{header}\n" for header in headers)
        for file in self.files:
            if any(line.startswith(_HEADER) for line in file.text.splitlines()):
                raise ValueError(f"{file.path} has a line beginning with {_HEADER!r}, a bundle's own mark")
            text += f"{_HEADER}file {file.path} {file.mode}\n{file.text}"
        return text


def split(text: str) -> Iterator[tuple[str, str, str]]:
    """Return path, mode and text of every file of a bundle."""
    for section in re.split(rf"^{_HEADER}file ", text, flags=re.MULTILINE)[1:]:
        header, _, content = section.partition("\n")
        path, _, mode = header.rpartition(" ")
        yield path, mode, content
