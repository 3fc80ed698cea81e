"""What is built from what, which installation is taken, and what people are told."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import toolchain
from sandbox.toolchain import golang, official, parts
from sandbox.toolchain.errors import ToolchainError, build_failure
from sandbox.toolchain.home import assemble, bin_directory, plugin_file

pytestmark = pytest.mark.unit


@pytest.fixture
def part(tmp_path: Path) -> parts.Part:
    source = tmp_path / "source" / "alicloud"
    source.mkdir(parents=True)
    for name in ("go.mod", "go.sum", "main.go", "main_test.go"):
        (source / name).write_text(name)
    return replace(parts.ALICLOUD, source=source.parent)


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "main.go", "new.go"])
def test_key_follows_the_sources(part: parts.Part, changed: str) -> None:
    before = parts.key(part, "go1.26.1")
    (part.directory / changed).write_text("changed")
    assert parts.key(part, "go1.26.1") != before


def test_key_follows_go_and_the_version(part: parts.Part) -> None:
    before = parts.key(part, "go1.26.1")
    assert parts.key(part, "go1.26.2") != before
    assert parts.key(replace(part, version="4.0.1"), "go1.26.1") != before


def test_key_ignores_tests(part: parts.Part) -> None:
    before = parts.key(part, "go1.26.1")
    (part.directory / "main_test.go").write_text("changed")
    assert parts.key(part, "go1.26.1") == before


def test_home_is_laid_out_as_the_engine_expects(tmp_path: Path) -> None:
    built = {part: tmp_path / part.name for part in parts.PARTS}
    for part, directory in built.items():
        _script(directory / part.binary, "exit 0")
    home = assemble(tmp_path, dict.fromkeys(parts.PARTS, "0" * 12), built)
    assert (
        plugin_file(home, parts.ALICLOUD)
        == home / "plugins/resource-alicloud-v4.0.0/pulumi-resource-alicloud"
    )
    assert all(plugin_file(home, part).is_file() for part in parts.PLUGINS)
    assert (home / "plugins/resource-command-v1.2.1.lock").is_file()
    assert {file.name for file in bin_directory(home).iterdir()} == {"pulumi", "pulumi-language-python"}


def test_packages_are_listed_as_pip_does() -> None:
    script = Path(toolchain.__file__).with_name("packages.py")
    printed = subprocess.run(
        [sys.executable, script, "list", "-v", "--format", "json"], capture_output=True, text=True, check=True
    )
    found = {package["name"]: package for package in json.loads(printed.stdout)}
    assert found["pulumi_alicloud"]["version"] == parts.ALICLOUD.version
    assert (Path(found["pulumi_alicloud"]["location"]) / "pulumi_alicloud" / "pulumi-plugin.json").is_file()


def test_environment_of_a_built_toolchain(tmp_path: Path) -> None:
    ready = toolchain.Toolchain("built", tmp_path / "bin", tmp_path, "v3.259.0")
    variables = ready.environment({"PATH": f"/usr/bin:{tmp_path / 'bin'}"})
    python = str(Path(sys.executable).parent)
    assert variables["PATH"].split(os.pathsep) == [str(tmp_path / "bin"), python, "/usr/bin"]
    assert variables["PULUMI_HOME"] == str(tmp_path)
    assert variables["PULUMI_PYTHON_CMD"] == sys.executable
    assert variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"


def test_environment_holds_no_other_toolchain_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAVIP_CACHE", str(tmp_path))
    ready = toolchain.Toolchain("official", Path("/opt/pulumi"), Path("/root/.pulumi"), "v3.300.0")
    inside = tmp_path / "toolchain" / "home-1" / "bin"
    variables = ready.environment({"PATH": f"{inside}:/usr/bin"})
    assert str(inside) not in variables["PATH"].split(os.pathsep)


def test_environment_of_an_official_one_may_fetch_plugins(tmp_path: Path) -> None:
    ready = toolchain.Toolchain("official", tmp_path, tmp_path, "v3.259.0")
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in ready.environment({"PATH": "/usr/bin"})


@pytest.fixture
def installation(tmp_path: Path) -> dict[str, str]:
    """Install an official Pulumi whose `plugin install` always fails the way the engine's does."""
    _script(
        tmp_path / "bin" / "pulumi",
        'case "$1" in version) echo v3.300.0 ;; '
        'plugin) for i in 1 2 3; do echo "warning: Error downloading plugin"; done; /bin/sleep 30 ;; esac',
    )
    _script(tmp_path / "bin" / "pulumi-language-python", "exit 0")
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}


def test_official_is_found_with_its_home(installation: dict[str, str], tmp_path: Path) -> None:
    found = official.find_official(installation, ours=tmp_path / "cache")
    assert found == official.Official(
        tmp_path / "bin" / "pulumi", tmp_path / "home" / ".pulumi", "v3.300.0", str(tmp_path / "bin")
    )


def test_official_is_found_where_its_installer_puts_it(installation: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    home = tmp_path / "home" / ".pulumi"
    home.mkdir()
    (tmp_path / "bin").rename(home / "bin")
    found = official.find_official(installation | {"PATH": "/nowhere"}, ours=tmp_path / "cache")
    assert found is not None
    assert (found.executable, found.home) == (home / "bin" / "pulumi", home)


def test_official_home_may_be_named(installation: dict[str, str], tmp_path: Path) -> None:
    named = installation | {"PULUMI_HOME": str(tmp_path / "named")}
    found = official.find_official(named, ours=tmp_path / "cache")
    assert found is not None
    assert found.home == tmp_path / "named"
    ours = installation | {"PULUMI_HOME": str(tmp_path / "cache" / "home-1")}
    found = official.find_official(ours, ours=tmp_path / "cache")
    assert found is not None
    assert found.home == tmp_path / "home" / ".pulumi"


def test_official_needs_its_language_host(installation: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "pulumi-language-python").unlink()
    assert official.find_official(installation, ours=tmp_path / "cache") is None


def test_official_may_have_its_language_host_among_its_plugins(
    installation: dict[str, str], tmp_path: Path
) -> None:
    plugin = tmp_path / "home" / ".pulumi" / "plugins" / "language-python-v3.300.0" / "pulumi-language-python"
    plugin.parent.mkdir(parents=True)
    (tmp_path / "bin" / "pulumi-language-python").rename(plugin)
    assert official.find_official(installation, ours=tmp_path / "cache") is not None


@pytest.mark.parametrize("version", ["v3.105.0", "3.105.0", "v3.300.1-dev.0", "v4.0.0", "of unknown version"])
def test_official_that_is_new_enough(version: str) -> None:
    assert official.Official(Path("/bin/pulumi"), Path("/"), version, "").too_old == ""


def test_official_that_is_too_old_hides_none_behind_it(installation: dict[str, str], tmp_path: Path) -> None:
    _script(tmp_path / "old" / "pulumi", "echo v3.99.0")
    _script(tmp_path / "old" / "pulumi-language-python", "exit 0")
    behind = installation | {"PATH": f"{tmp_path / 'old'}:{installation['PATH']}"}
    found = official.find_official(behind, ours=tmp_path / "cache")
    assert found is not None
    assert found.executable == tmp_path / "bin" / "pulumi"


def test_official_that_is_too_old_is_passed_over_or_named(
    installation: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(installation, tmp_path, monkeypatch)
    _script(tmp_path / "bin" / "pulumi", "echo v3.99.0")
    for part in parts.PLUGINS:
        _script(plugin_file(tmp_path / "home" / ".pulumi", part), "exit 0")
    built = toolchain.Toolchain("built", tmp_path, tmp_path, "v3.259.0")
    monkeypatch.setattr(toolchain, "_build", lambda _: built)
    said: list[str] = []
    assert toolchain.ensure(said.append) == built
    too_old = f"{tmp_path / 'bin' / 'pulumi'} is v3.99.0, too old; Pulumi 3.105 or newer is needed"
    assert said == [f"{too_old}: the built toolchain is used"]
    with pytest.raises(ToolchainError, match=r"no `go` on PATH.*or install Pulumi 3\.105 or newer"):
        toolchain.check()
    monkeypatch.setenv("HAVIP_TOOLCHAIN", "official")
    for ready in (toolchain.check, lambda: toolchain.ensure(said.append)):
        with pytest.raises(ToolchainError) as refused:
            ready()
        assert f"HAVIP_TOOLCHAIN is 'official', and {too_old}: upgrade Pulumi" in str(refused.value)


def test_ours_is_not_official(installation: dict[str, str], tmp_path: Path) -> None:
    assert official.find_official(installation, ours=tmp_path) is None


def test_language_host_of_ours_does_not_count(installation: dict[str, str], tmp_path: Path) -> None:
    ours = tmp_path / "cache" / "bin"
    ours.mkdir(parents=True)
    (tmp_path / "bin" / "pulumi-language-python").rename(ours / "pulumi-language-python")
    path = os.pathsep.join([installation["PATH"], str(ours)])
    assert official.find_official(installation | {"PATH": path}, ours=tmp_path / "cache") is None


def test_half_installed_plugins_are_missing(tmp_path: Path) -> None:
    found = official.Official(tmp_path / "bin" / "pulumi", tmp_path, "v3.300.0", str(tmp_path / "bin"))
    for part in parts.PLUGINS:
        _script(plugin_file(tmp_path, part), "exit 0")
    assert official.missing_plugins(found) == []
    (tmp_path / "plugins" / "resource-alicloud-v4.0.0.partial").touch()
    assert official.missing_plugins(found) == [parts.ALICLOUD]


def test_plugins_on_path_are_not_missing(tmp_path: Path) -> None:
    found = official.Official(tmp_path / "bin" / "pulumi", tmp_path, "v3.300.0", str(tmp_path / "bin"))
    assert official.missing_plugins(found) == list(parts.PLUGINS)
    _script(tmp_path / "bin" / "pulumi-resource-command", "exit 0")
    assert official.missing_plugins(found) == [parts.ALICLOUD]


def use(installation: dict[str, str], directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an installation the shell's own, with a cache in `directory` in which nothing was built."""
    for name, value in {**installation, "HAVIP_CACHE": str(directory / "cache")}.items():
        monkeypatch.setenv(name, value)
    for name in ("HAVIP_TOOLCHAIN", "PULUMI_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_official_without_plugins_is_told_when_the_built_one_is_used(
    installation: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(installation, tmp_path, monkeypatch)
    built = toolchain.Toolchain("built", tmp_path, tmp_path, "v3.259.0")
    monkeypatch.setattr(toolchain, "find_built", lambda: built)
    monkeypatch.setattr(toolchain, "_build", lambda _: built)
    said: list[str] = []
    assert toolchain.ensure(said.append) == built
    assert "has no plugin alicloud 4.0.0 and command 1.2.1: the built toolchain is used" in said[0]
    for part in parts.PLUGINS:
        _script(plugin_file(tmp_path / "home" / ".pulumi", part), "exit 0")
    assert toolchain.ensure(said.append).kind == "official"


def test_what_was_put_in_place_of_ours_stays(tmp_path: Path) -> None:
    built = {part: tmp_path / part.name for part in parts.PARTS}
    for part, directory in built.items():
        _script(directory / part.binary, "echo ours")
    keys = dict.fromkeys(parts.PARTS, "0" * 12)
    swapped = plugin_file(assemble(tmp_path, keys, built), parts.COMMAND)
    swapped.unlink()
    _script(swapped, "echo theirs")
    assemble(tmp_path, keys, built)
    assert "theirs" in swapped.read_text()


def test_unreachable_plugins_are_given_up_soon(installation: dict[str, str], tmp_path: Path) -> None:
    found = official.find_official(installation, ours=tmp_path / "cache")
    assert found is not None
    with pytest.raises(ToolchainError, match=r"cannot fetch the plugin alicloud 4\.0\.0: .*Error"):
        official.install_missing_plugins(found, lambda _: None)


def test_no_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match=r"no `go` on PATH.*Go 1\.26.*install"):
        golang.find_go(tmp_path)


def test_without_go_an_official_toolchain_is_enough(
    installation: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(installation, tmp_path, monkeypatch)
    toolchain.check()
    monkeypatch.setenv("HAVIP_TOOLCHAIN", "built")
    with pytest.raises(ToolchainError, match="no `go` on PATH"):
        toolchain.check()
    monkeypatch.setenv("HAVIP_TOOLCHAIN", "official")
    (tmp_path / "bin" / "pulumi").unlink()
    with pytest.raises(ToolchainError, match="HAVIP_TOOLCHAIN is 'official', and there is no pulumi"):
        toolchain.check()


def test_old_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _script(tmp_path / "go", "echo go1.19.8; echo direct")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match=r"is go1\.19\.8, too old; Go 1\.26 is needed"):
        golang.find_go(tmp_path)


@pytest.mark.parametrize("version", ["go1.26.8", "go1.27rc1", "devel go1.28-abc"])
def test_new_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str) -> None:
    _script(tmp_path / "go", f"echo {version}; echo direct")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert golang.find_go(tmp_path).version == version


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("write /x: no space left on device", "the disk is full"),
        ("dial tcp: lookup proxy.example: no such host", "GOPROXY=https://proxy.example"),
        ("missing go.sum entry for module", "go mod tidy"),
        ("main.go:1: syntax error", "the go command said"),
    ],
)
def test_build_failures_name_the_remedy(output: str, words: str) -> None:
    message = str(build_failure("engine", output, "https://proxy.example"))
    assert message.startswith("building engine failed")
    assert words in message
    assert output in message


def test_unknown_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVIP_TOOLCHAIN", "latest")
    with pytest.raises(ToolchainError, match="'latest'; it must be one of auto, official, built"):
        toolchain.ensure(lambda _: None)
