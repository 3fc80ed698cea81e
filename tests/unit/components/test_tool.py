"""``hostctl``: what it remembers of a host and what it misses there, with the host's programs played by functions."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from components.rendering import paths, render

pytestmark = pytest.mark.unit
HOST = """
set -euo pipefail
fail() { echo "$*" >&2; exit 1; }
systemctl() {
    local file
    case $1 in
    is-active) file=$PLACE/active-$2 ;;
    is-enabled) file=$PLACE/boot-$2 ;;
    *)
        echo "$*" >>"$PLACE/said"
        return
        ;;
    esac
    cat "$file"
    grep -qx active "$file" || grep -qx enabled "$file"
}
dismiss() { :; }
restore_secret() { :; }
STATE=$PLACE/state RUNTIME=$PLACE/run JOINED=$PLACE/joined LEAVERS=$PLACE/leavers HELD=$PLACE/held GROUP=$PLACE/group
"""
REMOVAL = ("service", "files", "vrrp", "hand_back", "removal")
PATHS = {
    "LIBRARY": paths.LIBRARY,
    "RUNTIME": paths.RUNTIME,
    "HAPROXY_CFG": paths.HAPROXY_CFG,
    "KEEPALIVED_CONF": paths.KEEPALIVED_CONF,
    "SECRET": str(Path(paths.KEEPALIVED_CONF).with_name(paths.AUTH_NAME)),
    "LEAVERS": str(Path(paths.KEEPALIVED_CONF).with_name(paths.LEAVERS_NAME)),
    "GROUP": paths.GROUP,
    "METRIC": paths.METRIC,
    "HELD": paths.HELD,
}


def run(place: Path, parts: tuple[str, ...], script: str) -> subprocess.CompletedProcess[str]:
    """Run `script` after these parts of the tool."""
    sources = "".join(f"source {render.TEMPLATES}/hostctl/{part}.sh\n" for part in parts)
    environment = {**os.environ, "PLACE": str(place)}
    return subprocess.run(
        ["bash", "-c", f"{sources}{HOST}{script}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("active", "boot", "left"),
    [
        ("inactive", "enabled", ["disable --now --quiet keepalived", "enable --quiet keepalived"]),
        ("inactive", "disabled", ["disable --now --quiet keepalived"]),
        ("inactive", "", ["disable --now --quiet keepalived"]),
        ("active", "enabled", ["stop keepalived", "enable --quiet keepalived", "restart keepalived"]),
        (
            "active",
            "disabled",
            [
                "stop keepalived",
                "enable --quiet keepalived",
                "restart keepalived",
                "disable --quiet keepalived",
            ],
        ),
    ],
)
def test_a_boot_starts_a_service_afterwards_as_it_did_before(
    tmp_path: Path, active: str, boot: str, left: list[str]
) -> None:
    for service in ("haproxy", "keepalived"):
        (tmp_path / f"active-{service}").write_text(f"{active}\n")
        (tmp_path / f"boot-{service}").write_text(f"{boot}\n" if boot else "")
    # The package's installation, and the stack's own steps, enable it.
    script = "remember_enabled; echo enabled >$PLACE/boot-keepalived; remember_running; remember_running"
    done = run(tmp_path, REMOVAL, script)
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, REMOVAL, "remove keepalived")
    assert done.returncode == 0, done.stderr
    said = [line for line in (tmp_path / "said").read_text().splitlines() if line.endswith(" keepalived")]
    assert said == left
    assert [one.name for one in (tmp_path / "state").iterdir() if "keepalived" in one.name] == []


def test_a_boot_starts_no_keepalived_whose_own_files_have_the_vip(tmp_path: Path) -> None:
    for service in ("haproxy", "keepalived"):
        (tmp_path / f"active-{service}").write_text("inactive\n")
        (tmp_path / f"boot-{service}").write_text("enabled\n")
    (tmp_path / "group").write_text("vip 10.0.0.10\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/keepalived.conf").write_text("virtual_ipaddress {\n    10.0.0.10\n}\n")
    moved = 'eval "$(declare -f run_as_before | sed "s#/etc/keepalived#$PLACE/etc#")"'
    done = run(tmp_path, REMOVAL, f"{moved}; remember_running; remove keepalived")
    assert done.returncode == 0, done.stderr
    assert "is started by no boot: they have 10.0.0.10" in done.stdout
    assert "enable --quiet keepalived" not in (tmp_path / "said").read_text()


CERTAIN = {
    "apt version": "E: Version '9.9' for 'haproxy' was not found",
    "apt name": "E: Unable to locate package haproxyy",
    "apt dependencies": "The following packages have unmet dependencies:",
    "apt candidate": "E: Package 'haproxy' has no installation candidate",
    "apt hold": "The following held packages will be changed:",
    "dnf name": "No match for argument: haproxyy",
    "dnf dependencies": " Problem: nothing provides libx",
    "no manager": "this host has none of apt-get, dnf and yum: install haproxy by other means",
}
PASSING = [
    "W: Failed to fetch http://mirror/dists/bookworm/InRelease",
    "Temporary failure: Could not resolve host: mirror",
    "Failed to download metadata for repo 'base'",
    "Error: Failed to synchronize cache for repo 'base'",
    "Ignoring repositories: base",
]


@pytest.mark.parametrize("said", CERTAIN.values(), ids=CERTAIN)
def test_what_no_mirror_has_is_asked_for_once(tmp_path: Path, said: str) -> None:
    def hopeless(*lines: str) -> int:
        (tmp_path / "log").write_text("".join(f"{line}\n" for line in lines))
        return run(tmp_path, ("packages",), "hopeless $PLACE/log").returncode

    assert hopeless("Reading package lists...", said) == 0
    assert [hopeless(passing, said) for passing in PASSING] == [1] * len(PASSING), "a mirror is not there yet"
    assert hopeless("E: Could not get lock /var/lib/dpkg/lock-frontend") == 1


def test_what_a_host_has_not_is_named_at_once_and_before_anything_changes(tmp_path: Path) -> None:
    for tool in ("haproxy", "socat"):
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    done = run(tmp_path, ("validation",), "PATH=$PLACE; check_tools")
    assert done.returncode == 1
    assert (
        "not installed, and needed by the configuration: keepalived curl; nothing was changed." in done.stderr
    )
    assert "packages.names" in done.stderr


def test_its_paths_are_those_that_files_are_rendered_for() -> None:
    words = " ".join(f'"${name}"' for name in PATHS)
    script = f"source {render.TEMPLATES}/hostctl/head.sh; printf '%s\\n' {words}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert dict(zip(PATHS, done.stdout.splitlines(), strict=True)) == PATHS


def test_a_verb_it_does_not_know_is_answered_with_those_it_knows(tmp_path: Path) -> None:
    tool = render.tool()
    dispatched = re.findall(r"^([a-z][a-z |-]*)\)", tool.partition("# --- main ")[2], re.MULTILINE)
    verbs = {verb for line in dispatched for verb in line.split(" | ")}
    (tmp_path / "hostctl").write_text(tool)
    # Whoever runs this is root to it.
    script = f"id() {{ echo 0; }}; export -f id; exec bash {tmp_path}/hostctl remove haproxy"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert said[0].endswith(": usage:")
    assert {line.split()[1] for line in said if line.startswith("hostctl ")} == verbs
