"""The machine's own Debian mirror, as its apt configuration names it."""

import re
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.shell import run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""From the package debian-archive-keyring; a Debian machine cannot be without it."""

ARCHIVES = {"debian": ("{0}", "{0}-updates"), "debian-security": ("{0}-security",)}
"""The last word of an archive's address on every Debian mirror, and the suites it holds of a release."""

MIRROR_LIST = "mirror+file:"
"""Begins an address that is a file with the addresses of mirrors, as on Debian's own cloud images."""


@dataclass(frozen=True)
class Source:
    """One line of sources.list."""

    address: str
    suite: str

    def line(self) -> str:
        """Return the line, good for apt on this machine."""
        return f"deb [signed-by={KEYRING}] {self.address} {self.suite} main"


def parse_targets(text: str, release: str) -> tuple[Source, ...]:
    """Pick the sources of a Debian ``release`` from ``apt-get indextargets`` (address, a space, suite).

    The mirror need not be configured for that release: every mirror holds all of them.
    """
    found: dict[Source, None] = {}
    for address in sorted({mirror_at(line.partition(" ")[0]) for line in text.splitlines()}):
        for suite in ARCHIVES.get(address.rstrip("/").rpartition("/")[2], ()):
            found[Source(address, suite.format(release))] = None
    return tuple(found)


def mirror_at(address: str) -> str:
    """Return the mirror that an address leads to: itself, or the first of its list of mirrors (or nothing)."""
    if not address.startswith(MIRROR_LIST):
        return address
    try:
        listed = Path(address.removeprefix(MIRROR_LIST).rstrip("/")).read_text().splitlines()
    except OSError:  # somebody else's, perhaps; other lines may lead somewhere
        return ""
    # Behind an address may be, after a tab, what the mirror is for: see apt-transport-mirror(1).
    return next((line.split()[0] for line in listed if line.strip() and not line.startswith("#")), "")


def sources(release: str) -> tuple[Source, ...]:
    """Return where this machine gets Debian from. Raises :class:`SandboxError` when it is told nowhere."""
    wanted = ["--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    # A machine that has never run apt-get update knows its sources, too.
    listed = run(["apt-get", "indextargets", "--no-release-info", *wanted])
    found = parse_targets(listed, release)
    if not any(source.suite == release for source in found):
        raise SandboxError(
            f"apt here has no Debian archive to take {release} from (its address ends in /debian); "
            "add one to /etc/apt/sources.list"
        )
    return found


def network_options() -> tuple[str, ...]:
    """Return the settings (proxies and the like) with which this machine's apt reaches its mirror."""
    dump = run(["apt-config", "dump"])
    return tuple(re.findall(r'^Acquire::https?::[^ ]+ "[^"]+";$', dump, flags=re.MULTILINE))
