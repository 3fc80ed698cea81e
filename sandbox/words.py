"""Security groups in words. Pure: from what ``sandbox status --json`` holds to what a person reads."""

from collections.abc import Mapping
from typing import Any

Group = Mapping[str, Any]
"""One of ``security_groups`` in a status."""

ANYWHERE = "0.0.0.0/0"
ALL_PORTS = "-1/-1"


def in_words(group: Group, names: Mapping[str, str]) -> list[str]:
    """Return what a basic security group lets through, a line for each rule, in the order in which they are asked.

    ``names`` gives names to ids of groups.
    """
    rules = sorted(group["rules"], key=lambda rule: (rule["priority"], rule["policy"] != "drop"))
    ways = {way: [rule for rule in rules if rule["direction"] == way] for way in ("ingress", "egress")}
    lines = [_line(rule, names) for rule in ways["ingress"]]
    lines.append(
        "members reach each other" if group["inner_access"] else "members are strangers to each other"
    )
    lines += [_line(rule, names) for rule in ways["egress"]]
    # What no rule names: a basic group lets nothing in and everything out.
    lines.append("nothing else gets in, everything else gets out")
    return lines


def _line(rule: Mapping[str, Any], names: Mapping[str, str]) -> str:
    inwards = rule["direction"] == "ingress"
    accepted = f"lets {'in' if inwards else 'out'}"
    verb = accepted if rule["policy"] == "accept" else "drops"
    priority = "" if rule["priority"] == 1 else f" (priority {rule['priority']})"
    return f"{verb} {_what(rule)} {'from' if inwards else 'to'} {_peer(rule, names)}{priority}"


def _what(rule: Mapping[str, Any]) -> str:
    protocol = "everything" if rule["protocol"] == "all" else rule["protocol"].upper()
    if rule["ports"] == ALL_PORTS:
        return protocol
    first, last = rule["ports"].split("/")
    return f"{protocol} {first}" if first == last else f"{protocol} {first} to {last}"


def _peer(rule: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if rule["group"]:
        return f"members of {names.get(rule['group'], rule['group'])}"
    return "anywhere" if rule["cidr"] == ANYWHERE else str(rule["cidr"])
