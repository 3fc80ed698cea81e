"""What fires when, as Prometheus itself says: one endpoint without a label, and two of which the other one is well."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.hosts.mirror import ensure_mirror
from tests.hosts.conftest import IMAGE

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
RULES = MONITORING / "prometheus-rules.yaml"
M1, M2 = "m1", "m2"
BOTH, NONE = frozenset({M1, M2}), frozenset[str]()
AGGREGATION = re.compile(r"\b(?:sum|max|min|avg|count)\b(?: by \(([^)]*)\))?")


@dataclass(frozen=True)
class Endpoint:
    """One as Prometheus sees it."""

    name: str
    label: bool = True
    """Whether its scrape job names it."""
    seen: Sequence[Set[str] | None] = (BOTH, BOTH)
    """The kube-apiservers that are up for each HAProxy; None is one that does not answer."""
    states: Sequence[str] = ("MASTER", "BACKUP")
    """What each keepalived is."""

    def series(self) -> Iterator[tuple[str, dict[str, str], int]]:
        """Metric, labels and value of what is scraped."""
        label = {"endpoint": self.name} if self.label else {}
        for number, up in enumerate(self.seen):
            balancer = {"job": "kube-apiserver-havip", "instance": f"{self.name}-{number}:33305", **label}
            yield "up", balancer, int(up is not None)
            if up is not None:
                proxy = {**balancer, "proxy": "kube-apiserver"}
                yield "haproxy_backend_active_servers", proxy, len(up)
                for server in sorted(BOTH):
                    status = {**proxy, "server": server, "state": "UP"}
                    yield "haproxy_server_status", status, int(server in up)
        for number, now in enumerate(self.states):
            exporter = {"job": "node", "instance": f"{self.name}-{number}:9100", "endpoint": self.name}
            for state in ("MASTER", "BACKUP", "FAULT", "STOP"):
                yield "havip_vrrp_state", {**exporter, "state": state}, int(state == now)


def labelled(labels: dict[str, str]) -> str:
    """Write labels as PromQL has them."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prometheus's own judge, unpacked from the package; nothing is installed here."""
    [package] = ensure_mirror(IMAGE, lambda _: None, ("prometheus",)).glob("prometheus_*.deb")
    place = tmp_path_factory.mktemp("prometheus")
    subprocess.run(["dpkg-deb", "-x", package, place], check=True)
    return place / "usr/bin/promtool"


def judged(promtool: Path, directory: Path, endpoints: Sequence[Endpoint], **asked: Any) -> None:
    """Let promtool look at the rules after ten minutes of the same; it fails if what is `asked` is not so."""
    series = [
        {"series": f"{metric}{labelled(labels)}", "values": f"{value}+0x60"}
        for endpoint in endpoints
        for metric, labels, value in endpoint.series()
    ]
    test = {"interval": "15s", "input_series": series, **asked}
    content = {"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": [test]}
    file = directory / "test.yaml"
    file.write_text(yaml.safe_dump(content))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def fires(promtool: Path, directory: Path, endpoints: Sequence[Endpoint], alerts: dict[str, int]) -> None:
    """Demand that these alerts fire, so many of each and for the first endpoint only, and no others."""
    label = {"endpoint": endpoints[0].name} if endpoints[0].label else {}
    firing = [
        {"labels": labelled({"alertname": alert, **label}), "value": count} for alert, count in alerts.items()
    ]
    expression = 'count by (alertname, endpoint) (ALERTS{alertstate="firing"})'
    asked = {"expr": expression, "eval_time": "10m", "exp_samples": firing}
    judged(promtool, directory, endpoints, promql_expr_test=[asked])


@pytest.mark.parametrize("label", [True, False], ids=["one of two", "alone, without a label"])
@pytest.mark.parametrize(
    ("seen", "alerts"),
    [
        ((BOTH, BOTH), {}),
        ((BOTH, None), {"HavipBalancerDown": 1}),
        ((None, None), {"HavipBalancerDown": 2, "HavipEndpointDown": 1}),
        ((NONE, NONE), {"HavipNoApiserver": 1, "HavipApiserverDown": 2}),
        ((NONE, None), {"HavipBalancerDown": 1, "HavipNoApiserver": 1, "HavipApiserverDown": 2}),
        (({M1}, {M1}), {"HavipApiserverDown": 1}),
        ((BOTH, {M1}), {"HavipApiserverSeenDifferently": 1}),
    ],
)
def test_what_fires_is_what_is_wrong_with_that_endpoint(
    seen: Sequence[Set[str] | None], alerts: dict[str, int], label: bool, promtool: Path, tmp_path: Path
) -> None:
    watched = [Endpoint("green", label, seen)] + ([Endpoint("blue")] if label else [])
    fires(promtool, tmp_path, watched, alerts)


@pytest.mark.parametrize(
    ("states", "alerts"),
    [
        (("BACKUP", "BACKUP"), {"HavipNotOneHolder": 1}),
        (("MASTER", "MASTER"), {"HavipNotOneHolder": 1}),
        (("STOP", "STOP"), {"HavipNotOneHolder": 1, "HavipBalancerFault": 2}),
        (("MASTER", "FAULT"), {"HavipBalancerFault": 1}),
        (("MASTER",), {}),
    ],
)
def test_every_endpoint_has_one_holder(
    states: Sequence[str], alerts: dict[str, int], promtool: Path, tmp_path: Path
) -> None:
    fires(promtool, tmp_path, [Endpoint("green", states=states), Endpoint("blue")], alerts)


@pytest.mark.parametrize(("label", "said"), [(True, "endpoint green is down"), (False, "endpoint is down")])
def test_an_alert_names_its_endpoint(label: bool, said: str, promtool: Path, tmp_path: Path) -> None:
    alert = {
        "exp_labels": {"severity": "critical"} | ({"endpoint": "green"} if label else {}),
        "exp_annotations": {"summary": f"No HAProxy answers: the control plane {said}"},
    }
    asked = {"alertname": "HavipEndpointDown", "eval_time": "10m", "exp_alerts": [alert]}
    judged(promtool, tmp_path, [Endpoint("green", label, (None, None))], alert_rule_test=[asked])


def test_the_dashboard_adds_up_nothing_across_endpoints() -> None:
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    for expression in expressions:
        assert 'endpoint=~"$endpoint"' in expression
        assert all("endpoint" in (found[1] or "") for found in AGGREGATION.finditer(expression)), expression
    [endpoint] = [one for one in board["templating"]["list"] if one["name"] == "endpoint"]
    assert re.fullmatch(endpoint["allValue"], ""), "an endpoint without a label is among all"
