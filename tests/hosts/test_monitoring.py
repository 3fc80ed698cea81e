"""Metrics, statistics and hook of a HAProxy and a notify script that run; and what docs/monitoring expects of them."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from components.planning.settings import METRICS_URI
from components.rendering import bundle, paths, render
from tests.hosts import live
from tests.hosts.conftest import IMAGE, Judges, judges_of
from tests.unit.components import examples
from tests.waiting import eventually

pytestmark = pytest.mark.hosts

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
METRIC = re.compile(r"\b(?:haproxy|havip)_[a-z_]+\b")
HOSTCTL = ("head", "files", "transaction", "leavers", "vrrp", "vip", "metric")
FORBIDDEN = httpx.codes.FORBIDDEN


@pytest.fixture
def judges() -> Judges:
    """One release: older ones know neither all of these metrics nor their labels (docs/monitoring)."""
    return judges_of(IMAGE)


def expressions() -> list[str]:
    """Every PromQL expression people load."""
    rules = yaml.safe_load((MONITORING / "prometheus-rules.yaml").read_text())
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    found += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return found + [variable["query"]["query"] for variable in board["templating"]["list"][1:]]


def scripts(host: Path, place: Path, **keepalived: str) -> None:
    """Put the scripts that keep VRRP's state into `place`; everything of the host is in `host` for them."""
    plan = examples.planned(examples.topology() | {"keepalived": keepalived})
    for path, _, text in bundle.split(render.keepalived_bundle(plan, plan.balancers[0], examples.VIP)):
        if path in (paths.NOTIFY, paths.METRIC):
            script = place / Path(path).name
            script.write_text(re.sub(f"{paths.RUNTIME}|{paths.LIBRARY}", str(host), text))
            script.chmod(0o755)


def notified(directory: Path, state: str, **keepalived: str) -> None:
    """Run the notify script as keepalived does."""
    scripts(directory, directory, **keepalived)
    runs = directory / "systemd-run"
    runs.write_text('#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec setsid --fork "$@"\n')
    runs.chmod(0o755)
    environment = {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"}
    command: list[str | Path] = [directory / "vrrp-notify", "INSTANCE", "VI_1", state, "254"]
    subprocess.run(command, env=environment, check=True, timeout=10)


def series(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Parse the samples of an exposition."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            labels = frozenset(re.findall(r'(\w+)="([^"]*)"', name))
            found[name.partition("{")[0], labels] = float(value)
    return found


def test_every_metric_that_rules_and_dashboard_name_is_exported(judges: Judges, tmp_path: Path) -> None:
    (tmp_path / "haproxy").mkdir()
    with live.running(judges, tmp_path / "haproxy") as haproxy:
        exported = {name for name, _ in series(haproxy.get(METRICS_URI).text)}
    notified(tmp_path, "MASTER", textfile_directory=str(tmp_path))
    exported |= {name for name, _ in series((tmp_path / "kube_apiserver_havip.prom").read_text())}
    named = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert len(named) > 10
    assert named <= exported, sorted(named - exported)


def test_labels_of_the_rules_select_something(judges: Judges, tmp_path: Path) -> None:
    with live.running(judges, tmp_path) as haproxy:
        found = series(haproxy.get(METRICS_URI).text)
    for server in ("k8s-master01", "k8s-master02", "k8s-master03"):
        labels = {("proxy", "kube-apiserver"), ("server", server), ("state", "UP")}
        assert ("haproxy_server_status", frozenset(labels)) in found


def test_metrics_and_statistics_are_for_observers_the_monitor_for_everyone(
    judges: Judges, tmp_path: Path
) -> None:
    def nobody(text: str) -> str:
        return text.replace("127.0.0.0/8", "192.0.2.0/24")

    (tmp_path / "open").mkdir()
    with live.running(judges, tmp_path / "open") as haproxy:
        assert haproxy.get(METRICS_URI).status_code == httpx.codes.OK
        assert "Statistics Report" in haproxy.get("/stats").text
    with live.running(judges, tmp_path, edit=nobody) as haproxy:
        assert haproxy.get(METRICS_URI).status_code == FORBIDDEN
        assert haproxy.get("/stats").status_code == FORBIDDEN
        assert haproxy.get("/monitor").status_code == httpx.codes.SERVICE_UNAVAILABLE, "no backend is up"


def test_a_haproxy_without_the_exporter_can_do_without(judges: Judges, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"metrics": False, "stats_uri": ""}
    with live.running(judges, tmp_path, haproxy=changes) as haproxy:
        assert haproxy.get(METRICS_URI).status_code != httpx.codes.OK
        assert "prometheus" not in (tmp_path / "haproxy.cfg").read_text()


def exported(directory: Path) -> dict[str, float]:
    """What the node exporter says of VRRP: a value for each state; nothing if there is no metric."""
    file = directory / "kube_apiserver_havip.prom"
    found = series(file.read_text()) if file.exists() else {}
    return {dict(labels)["state"]: value for (_, labels), value in found.items()}


def test_vrrp_state_is_a_metric(tmp_path: Path) -> None:
    for state in ("BACKUP", "MASTER"):
        notified(tmp_path, state, textfile_directory=str(tmp_path))
    assert exported(tmp_path) == {"MASTER": 1, "BACKUP": 0, "FAULT": 0, "STOP": 0}


@pytest.mark.parametrize("late", [False, True])
def test_no_link_of_somebody_elses_is_followed(tmp_path: Path, late: bool) -> None:
    """Nor one that is made in the moment before the metric is written."""
    theirs, new = tmp_path / "theirs", tmp_path / "kube_apiserver_havip.prom.new"
    theirs.write_text("as it was\n")
    new.symlink_to(theirs)
    if late:
        (tmp_path / "rm").write_text(f'#!/bin/sh\n/bin/rm "$@"\nln -s {theirs} {new}\n')
        (tmp_path / "rm").chmod(0o755)
    notified(tmp_path, "MASTER", textfile_directory=str(tmp_path))
    assert theirs.read_text() == "as it was\n"
    assert exported(tmp_path).get("MASTER") == (None if late else 1)


def staged(host: Path, textfiles: Path) -> None:
    """Stage the script of the metric for `textfiles`, as hostctl has it before it swaps files."""
    place = Path(f"{host}/stage{host}")
    place.mkdir(parents=True, exist_ok=True)
    scripts(host, place, textfile_directory=str(textfiles))


def hostctl(host: Path, functions: str) -> None:
    """Run some of hostctl's functions on the script of the metric, with all places of a host in `host`."""
    parts = "".join(f"source {render.TEMPLATES}/hostctl/{part}.sh\n" for part in HOSTCTL)
    own = f"RUNTIME={host} STATE={host}/state METRIC={host}/vrrp-metric JOINED={host}/state/joined\n"
    own += f"stage={host}/stage undo={host}/undo ours={host}/ours paths=({host}/vrrp-metric)\n"
    # The script was the stack's before.
    own += f"unfinished={host}/unfinished; echo {host}/vrrp-metric >$unfinished\n"
    own += "service=keepalived was_active=inactive; systemctl() { :; }\n"
    subprocess.run(["bash", "-c", parts + own + functions], check=True, timeout=10)


def test_a_metric_that_is_new_is_there_without_a_transition(tmp_path: Path) -> None:
    notified(tmp_path, "MASTER")
    assert exported(tmp_path) == {}
    staged(tmp_path, tmp_path)
    hostctl(tmp_path, "swap")
    assert exported(tmp_path)["MASTER"] == 1


def test_a_metric_that_nobody_writes_any_more_is_taken_away(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    notified(tmp_path, "MASTER", textfile_directory=str(old))
    staged(tmp_path, new)
    hostctl(tmp_path, "keep; swap")
    assert (exported(old), exported(new)["MASTER"]) == ({}, 1), "the directory is another"
    hostctl(tmp_path, "roll_back")
    assert (exported(old)["MASTER"], exported(new)) == (1, {}), "the change failed"
    hostctl(tmp_path, 'restore "${paths[0]}"')
    assert exported(old) == {}, "it is not wanted any more, or the endpoint is gone"


def test_a_keepalived_that_died_holds_nothing(tmp_path: Path) -> None:
    notified(tmp_path, "MASTER", textfile_directory=str(tmp_path))
    hostctl(tmp_path, "release 192.0.2.1")
    assert exported(tmp_path) == {"MASTER": 0, "BACKUP": 0, "FAULT": 0, "STOP": 1}


def test_a_directory_that_is_not_there_fails_no_change(tmp_path: Path) -> None:
    notified(tmp_path, "MASTER")
    staged(tmp_path, tmp_path / "nowhere")
    hostctl(tmp_path, 'swap; restore "${paths[0]}"')


@pytest.mark.parametrize("body", ['echo "$@" >{said}; sleep 60', "exit 1", "not there"])
def test_a_hook_is_told_and_cannot_hold_up_or_break_anything(body: str, tmp_path: Path) -> None:
    hook, said = tmp_path / "hook", tmp_path / "said"
    if body != "not there":
        hook.write_text("#!/bin/sh\n" + body.format(said=said) + "\n")
        hook.chmod(0o755)
    notified(tmp_path, "MASTER", notify_script=str(hook))
    assert (tmp_path / "vrrp-state").read_text() == "MASTER\n"
    if "echo" in body:
        eventually("the hook is told", said.exists)
        eventually("what it is told", lambda: said.read_text() == "VI_1 MASTER 254\n")


def test_a_transition_counts_after_process_numbers_began_again(tmp_path: Path) -> None:
    notified(tmp_path, "BACKUP")
    order = tmp_path / "vrrp-state.order"
    began, _ = order.read_text().split()
    order.write_text(f"{int(began) - 1} {os.getpid() + 5000}\n")
    notified(tmp_path, "MASTER")
    assert (tmp_path / "vrrp-state").read_text() == "MASTER\n"


def test_a_transition_that_was_overtaken_does_not_count(tmp_path: Path) -> None:
    notified(tmp_path, "MASTER")
    order = tmp_path / "vrrp-state.order"
    began, number = order.read_text().split()
    order.write_text(f"{int(began) + 1000} {number}\n")
    notified(tmp_path, "BACKUP")
    assert (tmp_path / "vrrp-state").read_text() == "MASTER\n"
