"""Security groups in words."""

from typing import Any

import pytest

from sandbox.cloud.state import Rule
from sandbox.tables import security_groups as security_groups_table
from sandbox.words import in_words

pytestmark = pytest.mark.unit


def rule(direction: str, protocol: str, ports: str = "-1/-1", **more: Any) -> dict[str, Any]:
    fields = {"direction": direction, "protocol": protocol, "ports": ports, **more}
    return Rule.model_validate({"id": "sgr-1", "created": "2026-01-01T00:00:00Z", **fields}).model_dump(
        mode="json"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (rule("ingress", "tcp", "22/22", cidr="0.0.0.0/0"), "lets in TCP 22 from anywhere"),
        (rule("ingress", "udp", "1/99", cidr="10.0.0.0/8"), "lets in UDP 1 to 99 from 10.0.0.0/8"),
        (
            rule("ingress", "all", group="sg-b", priority=5),
            "lets in everything from members of b (priority 5)",
        ),
        (rule("ingress", "icmp", cidr="10.0.0.0/8", policy="drop"), "drops ICMP from 10.0.0.0/8"),
        (rule("egress", "tcp", "25/25", cidr="0.0.0.0/0", policy="drop"), "drops TCP 25 to anywhere"),
        (rule("egress", "gre", cidr="10.0.0.0/8"), "lets out GRE to 10.0.0.0/8"),
    ],
)
def test_each_kind_of_rule(given: dict[str, Any], said: str) -> None:
    assert said in in_words({"rules": [given], "inner_access": True}, {"sg-b": "b"})


def test_rules_come_in_the_order_in_which_they_are_asked() -> None:
    later = rule("ingress", "tcp", "1/1", cidr="0.0.0.0/0", priority=2, policy="drop")
    accept = rule("ingress", "tcp", "2/2", cidr="0.0.0.0/0")
    drop = rule("ingress", "tcp", "3/3", cidr="0.0.0.0/0", policy="drop")
    assert in_words({"rules": [later, accept, drop], "inner_access": False}, {}) == [
        "drops TCP 3 from anywhere",
        "lets in TCP 2 from anywhere",
        "drops TCP 1 from anywhere (priority 2)",
        "members are strangers to each other",
        "nothing else gets in, everything else gets out",
    ]


def test_the_table_names_members() -> None:
    group = {"id": "sg-a", "name": "nodes", "rules": [], "inner_access": True}
    hosts = [{"name": "m1", "security_groups": ["sg-a"]}, {"name": "m2", "security_groups": ["sg-b"]}]
    table = security_groups_table({"security_groups": [group], "hosts": hosts})
    assert [next(iter(column.cells)) for column in table.columns] == [
        "nodes",
        "m1",
        "members reach each other\nnothing else gets in, everything else gets out",
    ]
