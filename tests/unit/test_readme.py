"""What the READMEs show works: configurations run the program, commands and links exist."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import config as pulumi_config
from typer.main import get_command

from sandbox.cli import app
from sandbox.toolchain.parts import GO_VERSION
from tests.unit.components.engine import Run, run
from tests.unit.components.examples import KEY

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")
DOCUMENTS = [*READMES, "docs/operations.md", "docs/options.md", "docs/sandbox.md", "CHANGELOG.md"]
OURS, MOCKED = "kube-apiserver-havip:", "project:"


def blocks(name: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    every = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", (ROOT / name).read_text(), re.MULTILINE | re.DOTALL)
    return [text for word, text in every if word == language]


def stacks(name: str) -> list[dict[str, Any]]:
    """Return the stack configurations a document shows."""
    found = [yaml.safe_load(block) for block in blocks(name, "yaml")]
    return [each["config"] for each in found if "config" in each]


def program_with(config: dict[str, Any]) -> Run:
    """Run the program with a stack's configuration, as on the first preview."""
    pulumi_config.set_all_config(
        {
            key.replace(OURS, MOCKED): value if isinstance(value, str) else json.dumps(value)
            for key, value in config.items()
        }
    )
    return run(lambda: runpy.run_path(str(ROOT / "__main__.py")), preview=True)


@pytest.fixture(autouse=True)
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """Collect what programs export: there is no stack here that would. No configuration stays behind."""
    found: dict[str, object] = {}
    monkeypatch.setattr(pulumi, "export", found.__setitem__)
    yield found
    pulumi_config.set_all_config({})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the files that the examples name."""
    for name in (".ssh/id_ed25519", ".ssh/id_ed25519.pub", "prepare-node.sh"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(KEY)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", READMES)
def test_the_stacks_shown_run_the_program(name: str) -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    shown = stacks(name)
    assert len(shown) == 2
    for config, created in zip(shown, (3, 0), strict=True):
        keys = {key.removeprefix(OURS) for key in config if key.startswith(OURS)}
        assert keys <= set(declared)
        got = program_with(config)
        assert got.error == ""
        assert len(got.of("HaVipv2")) == 1
        assert len(got.of("HAVipAttachment")) == 2
        assert len(got.of("ecs/instance:Instance")) == created
        assert not got.of("Switch"), "the one that is named"


def test_the_options_shown_break_no_rule(home: Path) -> None:
    masters = [{"name": f"m{n}", "address": f"10.0.0.1{n}", "instanceId": f"i-{n}"} for n in (1, 2)]
    (config,) = stacks("docs/options.md")
    base = {
        f"{OURS}masters": masters,
        f"{OURS}vswitchId": "vsw-1",
        f"{OURS}vswitchCidr": "10.0.0.0/24",
        f"{OURS}sshPrivateKeyFile": str(home / ".ssh/id_ed25519"),
    }
    assert program_with({**base, **config}).error == ""


@pytest.mark.parametrize("name", READMES)
def test_the_program_shown_runs(name: str) -> None:
    (text,) = blocks(name, "python")

    def program() -> None:
        words = ("vswitch", "first", "second")
        made = {word: SimpleNamespace(id=pulumi.Output.from_input(f"{word}-1")) for word in words}
        exec(text, {**made, "key": KEY, "pulumi": pulumi})  # noqa: S102 - our own example

    got = run(program, preview=True)
    assert got.error == ""
    assert len(got.of("HAVipAttachment")) == 2


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", READMES)
def test_outputs_named_are_those_of_the_program(name: str, exported: dict[str, object]) -> None:
    program_with(stacks(name)[0])
    table = (ROOT / name).read_text().split("|---|---|")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(exported)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands: Any = get_command(app)
    assert set(re.findall(r"(?:`|^|\(|\$ )make (?:-s )?([a-z0-9-]+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"sandbox/run sandbox ([a-z][a-z-]*)", text)) <= set(commands.commands)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    file = ROOT / name
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", file.read_text()):
        path, _, anchor = link.partition("#")
        target = file.parent / path if path else file
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, link


@pytest.mark.parametrize("name", READMES)
def test_the_go_that_is_named_is_the_one_that_is_needed(name: str) -> None:
    named = re.findall(r"\bGo (\d+)\.(\d+)", (ROOT / name).read_text())
    assert {(int(major), int(minor)) for major, minor in named} == {GO_VERSION}


def test_both_readmes_show_the_same_commands_and_examples() -> None:
    def without_comments(name: str) -> list[str]:
        shown = [block for language in ("bash", "yaml", "python", "") for block in blocks(name, language)]
        return [re.sub(r"\s*(^|\s)# .*$", "", block, flags=re.MULTILINE) for block in shown]

    english, chinese = (without_comments(name) for name in READMES)
    assert english == chinese
    sections = [re.findall(r"^## ", (ROOT / name).read_text(), re.MULTILINE) for name in READMES]
    assert len(sections[0]) == len(sections[1])
