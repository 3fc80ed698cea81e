"""The pure parts of hosts: plans, seeds, sources and cgroup trees."""

import gzip
import json
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox import cgroups, names
from sandbox.errors import SandboxError
from sandbox.hosts import apt, images, seed, user_data
from sandbox.hosts.plan import Plan
from sandbox.hosts.spec import HostSpec
from sandbox.settings import Settings

pytestmark = pytest.mark.unit

SPEC = HostSpec(
    instance_id="i-1",
    hostname="master-1",
    image_id=images.DEFAULT.id,
    address=IPv4Address("10.0.0.11"),
    prefix=24,
    gateway=IPv4Address("10.0.0.253"),
    mac="02:00:00:00:00:01",
    authorized_keys=("ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"),
    user_data=b"#!/bin/sh\n\xff\n",
)


@pytest.mark.parametrize("data", [b"#!/bin/sh\n\xff\n", None])
def test_a_plan_is_read_back_as_written(tmp_path: Path, data: bytes | None) -> None:
    spec = HostSpec(**{**vars(SPEC), "user_data": data})
    plan = Plan(spec, tmp_path, Path("/image"), Path("/mirror"), "ns", "group/i-1", "machine")
    assert not Plan.exists(tmp_path)
    plan.save()
    assert Plan.load(tmp_path) == plan


def test_the_seed_says_what_the_metadata_service_would(tmp_path: Path) -> None:
    cached = tmp_path / "var/lib/cloud/instances/i-1/obj.pkl"
    cached.parent.mkdir(parents=True)
    cached.touch()
    seed.write(SPEC, tmp_path)
    directory = tmp_path / "var/lib/cloud/seed/nocloud"
    stored = json.loads((directory / "meta-data").read_text())
    assert stored["local-hostname"] == "master-1"
    assert stored["public-keys"] == list(SPEC.authorized_keys)
    assert (directory / "user-data").read_bytes() == SPEC.user_data
    assert not cached.exists(), "changed keys are read at the next boot"


def test_sources_are_the_machines_own_debian_mirrors() -> None:
    listed = """\
https://mirror.example/debian/ trixie
https://mirror.example/debian/ trixie-updates
https://mirror.example/debian-security/ trixie-security
https://packages.example/cloud-sdk/ main
"""
    assert {(source.address, source.suite) for source in apt.parse_targets(listed, "bookworm")} == {
        ("https://mirror.example/debian/", "bookworm"),
        ("https://mirror.example/debian/", "bookworm-updates"),
        ("https://mirror.example/debian-security/", "bookworm-security"),
    }


def test_a_source_may_be_a_list_of_mirrors(tmp_path: Path) -> None:
    """Debian's own cloud images have their sources so."""
    mirrors = tmp_path / "debian.list"
    mirrors.write_text(
        "# by cloud-init\n\nhttps://near.example/debian\tpriority:1\nhttps://far.example/debian\n"
    )
    found = apt.parse_targets(f"mirror+file:{mirrors}/ bookworm\n", "bookworm")
    assert {source.address for source in found} == {"https://near.example/debian"}
    mirrors.write_text("")
    assert apt.parse_targets(f"mirror+file:{mirrors}/ bookworm\n", "bookworm") == ()


MULTIPART = b"""\
Content-Type: multipart/mixed; boundary=x
MIME-Version: 1.0

--x
Content-Type: text/cloud-config

#cloud-config
runcmd: [id]
--x
Content-Type: text/x-include-url

https://example.com/more
--x--
"""


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"#!/bin/sh\necho hello\n", ""),
        (b"#cloud-config\npackages: [jq]\nruncmd: [id]\nwrite_files: []\n", ""),
        (b"#cloud-config\n", ""),
        (b"#cloud-config\nntp: {}\nruncmd: [id]\n", "keys of #cloud-config: ntp; served are bootcmd"),
        (b"#cloud-config\n{", "not YAML"),
        (b"#cloud-config\n- a\n", "not a mapping"),
        (b"#include\nhttps://example.com/x\n", "#include: hosts have no way out"),
        (gzip.compress(b"#include-once\nhttps://example.com/x\n"), "#include: hosts have no way out"),
        (MULTIPART, "#include: hosts have no way out"),
        (MULTIPART.replace(b"x-include-url", b"x-shellscript"), ""),
    ],
)
def test_user_data_that_hosts_pass_over_is_refused(data: bytes, refused: str) -> None:
    reason = user_data.refusal(data)
    assert refused in reason
    assert bool(reason) == bool(refused)


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SandboxError, match=r"image 'centos': the sandbox has debian_12"):
        images.find("centos")


V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot"
HYBRID = """\
31 24 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
33 31 0:29 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,xattr,name=systemd
34 31 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""


def test_every_kind_of_cgroup_tree_is_found() -> None:
    assert [(str(tree.root), tree.unified) for tree in cgroups.hierarchies(V2)] == [("/sys/fs/cgroup", True)]
    hybrid = {tree.root.name: tree for tree in cgroups.hierarchies(HYBRID)}
    assert set(hybrid) == {"cpuset", "systemd", "unified"}
    assert "cpuset" in hybrid["cpuset"].controllers
    assert hybrid["unified"].unified


def test_names_of_one_sandbox_are_never_those_of_another() -> None:
    dev, longer = Settings(name="dev"), Settings(name="dev-2")
    namespace = names.host_namespace(longer, "i-1")
    assert not namespace.startswith(dev.prefix + names.SEPARATOR)
    assert len(names.port_link("i-bp1abcdefghijklmnopq")) < 16
