"""Rules on texts that end up in configuration files and scripts; part of `members.violations`.

Templates escape nothing: what passes here cannot add a directive to a file or a command to a script.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from components.enums import CheckKind
from components.planning.plan import Plan
from components.planning.settings import METRICS_URI, is_everywhere
from components.rules.violations import Violation

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
NAME_RULE = "must be 1 to 63 letters, digits, dots, dashes or underscores, a letter or digit first and last"
HOST_NAME = re.compile(r"(?=.{2,63}\Z)[A-Za-z]([.-]?[A-Za-z0-9])+")
HOST_NAME_RULE = (
    "is no name for an ECS instance and its host: 2 to 63 letters and digits, a letter first, with single dots or "
    "dashes between them"
)
_TOKEN = re.compile(r"[A-Za-z0-9._:/@*-]+")
_PUNCTUATION = {"path": "?=&,%", "balance": " (),", "expect_status": ",-"}
"""What some directives hold beyond a word."""
_FORMS = {
    "keepalived.script_user": (
        r"root",
        "lacks the rights that keepalived's scripts need (signal and restart services)",
        "leave it out: keepalived's scripts are root's",
    ),
    "keepalived.check_script": (
        r"/etc/keepalived/(?!(auth|keepalived)\.conf$)[A-Za-z0-9_-][A-Za-z0-9._-]*",
        "is not a file of its own in /etc/keepalived, where a candidate is judged as a whole",
        "such as /etc/keepalived/check_haproxy.sh",
    ),
    "haproxy.frontend_name": (
        r"(?!monitor-in$)[A-Za-z0-9._:-]+",
        "is no name for a frontend",
        "such as k8s-api",
    ),
    "haproxy.backend_name": (r"[A-Za-z0-9._:-]+", "is no name for a backend", "such as k8s-api"),
    "haproxy.monitor_uri": (r"/[A-Za-z0-9._:/@-]*", "is not a path", "begin it with /, such as /monitor"),
    "haproxy.stats_uri": (r"(/[A-Za-z0-9._:/@-]*)?", "is not a path", "begin it with /, such as /stats"),
    "keepalived.notify_script": (
        r"(/[A-Za-z0-9._@/-]+)?",
        "is not the absolute path of a program",
        "such as /usr/local/bin/on-vrrp",
    ),
    "keepalived.textfile_directory": (
        r"(/[A-Za-z0-9._@/-]+)?",
        "is not the absolute path of a directory",
        "such as /var/lib/prometheus/node-exporter",
    ),
    "health_check.ca_file": (r"(/[A-Za-z0-9._:@/-]+)?", "is not an absolute path", "such as /etc/ssl/ca.crt"),
    "health_check.path": (r"/.*", "is not a path", "begin it with /, such as /readyz"),
    "health_check.expect_status": (
        r"\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*",
        "is not a list of HTTP statuses",
        "such as 200 or 200,401",
    ),
}
_REQUIRED = {
    "haproxy": ("log_target", "log_facility", "log_level", "balance", "timeout_client", "timeout_server"),
    "keepalived": ("instance_name", "check_name"),
    "health_check": ("host",),
}
"""What the files cannot do without; forms ask for theirs."""


def violations(plan: Plan) -> Iterator[Violation]:
    """All violations in what is written into files as it is."""
    if not NAME.fullmatch(plan.name):
        yield Violation("name of the component", plan.name, NAME_RULE, "choose another name")
    yield from _words(plan)
    yield from _forms(plan)
    yield from _binds(plan)
    yield from _observers(plan)
    for index, balancer in enumerate(plan.balancers):
        if balancer.interface and not re.fullmatch(r"[A-Za-z0-9._:-]{1,15}", balancer.interface):
            rule = "is not a network interface's name"
            yield Violation(f"balancers[{index}].interface", balancer.interface, rule, "such as eth0")
    for index, package in enumerate(plan.settings.packages.names):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+:~^-]*(=[A-Za-z0-9*][A-Za-z0-9._+:~^*-]*)?", package):
            yield Violation(f"packages.names[{index}]", package, "is not a package name", "such as haproxy")


def _parts(plan: Plan) -> dict[str, object]:
    settings = plan.settings
    return {
        "haproxy": settings.haproxy,
        "keepalived": settings.keepalived,
        "health_check": settings.health_check,
    }


def _words(plan: Plan) -> Iterator[Violation]:
    """One word each, or they could add directives; some must not be empty."""
    for part, settings in _parts(plan).items():
        for key, value in vars(settings).items():
            texts = value if isinstance(value, tuple) else (value,)
            if key in _PUNCTUATION:
                texts = tuple(
                    text.translate({ord(mark): None for mark in _PUNCTUATION[key]}) for text in texts
                )
            odd = [text for text in texts if isinstance(text, str) and text and not _TOKEN.fullmatch(text)]
            if odd:
                rule = "holds characters that do not belong in one word of a configuration file"
                yield Violation(f"{part}.{key}", odd[0], rule, "use letters, digits and . _ : / @ * -")
            elif value == "" and key in _REQUIRED[part]:
                yield Violation(f"{part}.{key}", value, "is empty", "leave it out for the default")
    if not plan.timers.connect_timeout or not plan.timers.check_inter:
        where = "failover.check_inter" if plan.timers.connect_timeout else "failover.connect_timeout"
        yield Violation(where, "", "is empty", "leave it out for the preset's")


def _forms(plan: Plan) -> Iterator[Violation]:
    parts = _parts(plan)
    for where, (form, rule, remedy) in _FORMS.items():
        part, _, key = where.partition(".")
        value = getattr(parts[part], key)
        if part == "health_check" and plan.settings.health_check.kind is not CheckKind.HTTPS:
            continue
        if not re.fullmatch(form, value):
            depends = ("health_check.kind",) if part == "health_check" else ()
            yield Violation(where, value, rule, remedy, depends)


def _binds(plan: Plan) -> Iterator[Violation]:
    haproxy = plan.settings.haproxy
    if not haproxy.binds:
        yield Violation("haproxy.binds", [], "HAProxy would listen nowhere", "leave it out for every address")
    given = ", ".join(haproxy.binds)
    if len(set(haproxy.binds)) < len(haproxy.binds):
        yield Violation("haproxy.binds", given, "names one address twice", "keep each address once")
    vip = plan.settings.vip
    if vip and haproxy.binds and not (haproxy.everywhere or vip in haproxy.binds):
        rule = f"does not have the VIP {vip}: the endpoint would answer nobody"
        yield Violation(
            "haproxy.binds", given, rule, f"add {vip}, or leave it out for every address", ("vip",)
        )
    for index, address in enumerate(haproxy.binds):
        if address != "*" and not _is_address(address):
            where = f"haproxy.binds[{index}]"
            yield Violation(where, address, "is not an IP address", "use * for every address")
    if not is_everywhere(haproxy.monitor_bind):
        rule = "must let the peers and this host itself in, on every balancer"
        yield Violation("haproxy.monitor_bind", haproxy.monitor_bind, rule, "use *")


def _observers(plan: Plan) -> Iterator[Violation]:
    haproxy = plan.settings.haproxy
    for index, cidr in enumerate(haproxy.observer_cidrs):
        where = f"haproxy.observer_cidrs[{index}]"
        try:
            ip_network(cidr)
        except ValueError:
            yield Violation(where, cidr, "is not a network", "write it such as 10.0.0.0/24")
    pages = {"haproxy.metrics": METRICS_URI if haproxy.metrics else ""}
    for where in ("haproxy.monitor_uri", "haproxy.stats_uri"):
        uri = getattr(haproxy, where.partition(".")[2])
        for other, taken in pages.items():
            if uri and uri == taken:
                yield Violation(where, uri, f"is also the path of {other}", "choose another", (other,))
        pages[where] = uri


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
