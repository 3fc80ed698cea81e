"""What ``hostctl`` leaves on a host that leaves the stack, run for real below a directory of the test's own.

Stand-ins take the place of systemctl, ip and socat: they note what they are told, and say what the test wants heard.
"""

from pathlib import Path

import pytest

from components.rendering import paths
from tests.hosts.fake_host import STATE, Host

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(60)]

VIP = "10.0.0.10"
GROUP = f"version 3\nrouter_id 17\nadvert_ms 200\npassword no\nvip {VIP}\n"
BY_HAND = f"vrrp_instance VI_1 {{\n    virtual_ipaddress {{\n        {VIP}\n    }}\n}}\n"
PROGRAMS = {
    "systemctl": """
        echo "$*" >>"$ROOT/asked"
        [ "$1" != is-active ] || { [ "$2" = --quiet ] || cat "$ROOT/active"; grep -q ^active "$ROOT/active"; }""",
    "systemd-run": 'echo "systemd-run $*" >>"$ROOT/asked"',
    "ip": "true",
    "socat": 'cat "$ROOT/advert" 2>/dev/null || sleep 9; sleep 0.1',
}


class Leaving(Host):
    """One that leaves."""

    def said(self, *arguments: str, stdin: str = "") -> str:
        """Run the tool, which has to succeed; all it said."""
        done = self.hostctl(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def asked(self) -> str:
        """What systemctl was told."""
        return (self.root / "asked").read_text()

    @property
    def is_left_alone(self) -> bool:
        """Whether the stack's files are what is there."""
        return self.path(paths.GROUP).exists()


@pytest.fixture
def host(tmp_path: Path) -> Leaving:
    """A balancer of the endpoint cp that took over a keepalived which ran."""
    made = Leaving(tmp_path)
    for name, script in PROGRAMS.items():
        made.program(name, script)
    made.write("active", "active\n")
    made.path("/run/lock").mkdir(parents=True)
    for file, text in ((paths.GROUP, GROUP), (paths.KEEPALIVED_CONF, f"# of the stack, {VIP}\n")):
        made.write(file, text)
        made.write(f"{STATE}/ours/keepalived{made.path(file)}", "")
    made.write(f"{STATE}/original{made.path(paths.KEEPALIVED_CONF)}", BY_HAND)
    made.write(f"{STATE}/before-keepalived", "active\n")
    made.write(f"{STATE}/owner", "cp\n")
    made.write(f"{STATE}/joined", GROUP)
    made.write(paths.VRRP_STATE, "MASTER\n")
    return made


def test_its_own_keepalived_is_no_second_holder_beside_the_balancers_that_stay(host: Leaving) -> None:
    said = host.said("retire", "cp", "--", "m1")
    assert host.path(paths.KEEPALIVED_CONF).read_text() == BY_HAND
    assert "stop keepalived" in host.asked()
    assert "disable --quiet keepalived" in host.asked()
    assert "restart keepalived" not in host.asked()
    assert "\nenable --quiet keepalived" not in host.asked(), "nor after a boot"
    assert "systemctl enable --now keepalived" in said, "it is said how it starts"
    assert not host.path(STATE).exists()
    assert not host.path(paths.LIBRARY).exists()


def test_a_keepalived_of_other_addresses_runs_again(host: Leaving) -> None:
    host.write(f"{STATE}/original{host.path(paths.KEEPALIVED_CONF)}", BY_HAND.replace(VIP, f"{VIP}0"))
    host.said("retire", "cp", "--", "m1")
    assert "restart keepalived" in host.asked()
    assert not host.path(paths.HELD).exists()


def test_a_removal_that_was_interrupted_goes_on_without_a_second_holder(host: Leaving) -> None:
    # The directory that is to be removed is not empty: nothing after it is done.
    host.write("bin/rm", '#!/bin/bash\n[[ "$*" != *before-keepalived* ]] || exit 1\nexec /bin/rm "$@"\n')
    host.path("bin/rm").chmod(0o755)
    with pytest.raises(AssertionError):
        host.said("retire", "cp", "--", "m1")
    host.path("bin/rm").unlink()
    host.said("retire", "cp", "--", "m1")
    assert "restart keepalived" not in host.asked()


def test_nor_does_a_boot_start_what_has_the_vip(host: Leaving) -> None:
    """A keepalived of somebody's own that was stopped, and that a boot would have started."""
    host.write(f"{STATE}/before-keepalived", "inactive\n")
    host.write(f"{STATE}/enabled-keepalived", "enabled\n")
    # The first time it ends after the files have gone that say what the VIP is.
    host.program("systemctl", 'echo "$*" >>"$ROOT/asked"; [ "$1" != daemon-reload ] || exit 1')
    with pytest.raises(AssertionError):
        host.said("retire", "cp", "--", "m1")
    assert not host.path(paths.GROUP).exists()
    host.program("systemctl", PROGRAMS["systemctl"])
    assert "started by no boot" in host.said("retire", "cp", "--", "m1")
    assert "\nenable --quiet keepalived" not in host.asked()


def test_what_was_held_back_starts_on_demand(host: Leaving) -> None:
    host.said("retire", "cp", "--", "m1")
    held = host.path(paths.HELD)
    assert VIP in (held / "vip").read_text()
    assert (held / "hostctl").exists(), "the tool itself is gone"
    host.said("hand-back")
    assert "restart keepalived" in host.asked()
    assert not held.exists()


def test_a_host_that_comes_again_is_given_back_as_it_was_the_first_time(host: Leaving) -> None:
    host.said("retire", "cp", "--", "m1")
    host.write("active", "inactive\n")
    host.said("secret", stdin="password\n")
    assert host.path(f"{STATE}/before-keepalived").read_text() == "active\n"
    # A first change that fails, and is taken back, forgets nothing.
    assert host.path(paths.HELD).exists()


@pytest.mark.parametrize(
    ("advert", "is_heard"),
    [
        pytest.param("3111fc010014abcd0a00000a", True, id="version 3"),
        pytest.param("213464010101abcd0a00000a", True, id="version 2, another router id"),
        pytest.param("311100010014abcd0a00000a", False, id="a leave"),
        pytest.param("3111fc010014abcd0a00000b", False, id="another VIP"),
        pytest.param("", False, id="silence"),
    ],
)
def test_whoever_speaks_for_the_vip_is_heard(host: Leaving, advert: str, is_heard: bool) -> None:
    host.write(f"{paths.HELD}/vip", f"{VIP} 2\n")
    if advert:
        host.path("advert").write_bytes(bytes.fromhex(advert))
    assert (host.said("heard") == f"VRRP is heard for {VIP}\n") == is_heard


def test_what_serves_under_another_balancers_name_is_left_alone(host: Leaving) -> None:
    host.said("join", "m1")
    host.said("join", "renamed")
    assert "serves as the balancer renamed" in host.said("retire", "cp", "--", "m1")
    assert host.is_left_alone
    assert "nothing of 'cp' is left" in host.said("retire", "cp", "--", "renamed")
    assert not host.is_left_alone


def test_so_is_another_host_at_the_address_of_a_balancer_that_died(host: Leaving) -> None:
    host.said("join", "new")
    assert "left as it is" in host.said("retire", "cp", "--", "died")
    assert host.is_left_alone


def test_whoever_runs_it_by_hand_means_it(host: Leaving) -> None:
    host.said("join", "m1")
    assert "nothing of 'cp' is left" in host.said("retire", "cp")
    assert not host.is_left_alone


def test_a_former_name_of_the_endpoint_is_its_name_too(host: Leaving) -> None:
    host.said("join", "m1")
    assert "left as it is" in host.said("retire", "other", "--", "m1")
    assert host.is_left_alone
    assert "is left" in host.said("retire", "new", "cp", "--", "m1")
    assert not host.is_left_alone


def test_who_may_go_with_its_instance_hands_over_and_comes_back_if_it_stays(host: Leaving) -> None:
    host.said("join", "m1")
    assert "keepalived: stopped" in host.said("hand-over", "cp", "--", "m1")
    asked = host.asked().splitlines()
    assert asked[-1] == "stop keepalived"
    assert asked[-2].startswith("systemd-run ")
    assert asked[-2].endswith(" systemctl start keepalived"), "also if the ssh session ends here"
    assert host.is_left_alone
    host.said("retire", "cp", "--", "m1")
    assert "kube-apiserver-havip-comeback.timer" in host.asked().partition("start keepalived")[2]


def test_only_the_balancer_that_leaves_hands_over(host: Leaving) -> None:
    host.said("join", "m1")
    host.said("join", "renamed")
    assert "serves as the balancer renamed" in host.said("hand-over", "cp", "--", "m1")
    host.said("retire", "cp", "--", "m1")
    host.path("asked").unlink()
    assert "serves the endpoint 'cp'" in host.said("hand-over", "other", "--", "renamed")
    host.write("active", "inactive\n")
    assert host.said("hand-over", "cp", "--", "renamed") == ""
    assert host.asked() == "is-active --quiet keepalived\n"
