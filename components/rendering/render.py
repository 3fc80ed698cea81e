"""Every text that lands on a host, from a plan. Pure: the same plan gives the same text."""

import re
from collections.abc import Sequence
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.enums import CheckKind
from components.planning import connections
from components.planning.durations import milliseconds
from components.planning.failover import ABORT_MS, RESTART_PAUSE_MS, ROUND_MS, settle_s
from components.planning.plan import Plan
from components.planning.settings import METRICS_URI, Balancer, Settings, is_everywhere
from components.rendering import marks, paths
from components.rendering.bundle import Bundle, File

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_LOCAL_IMPORT = re.compile(r"^from templates\.local\.(\w+) import (?:\([^)]*\)|.*)\n", re.MULTILINE)
_TOOL_PARTS = (
    "head",
    "packages",
    "ownership",
    "bundle",
    "validation",
    "trial",
    "ports",
    "firewall",
    "selinux",
    "service",
    "files",
    "transaction",
    "vrrp",
    "vrrp_change",
    "vip",
    "advert",
    "joining",
    "leavers",
    "metric",
    "password",
    "check",
    "removal",
    "hand_back",
    "main",
)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files and scripts, not HTML; rules admit plain words only
    )


def _render(template: str, plan: Plan, **more: object) -> str:
    settings = plan.settings
    common = {
        "plan": plan,
        "settings": settings,
        "haproxy": settings.haproxy,
        "keepalived": settings.keepalived,
        "health": settings.health_check,
        "timers": plan.timers,
        "paths": {key.lower(): value for key, value in vars(paths).items() if key.isupper()},
    }
    return _environment().get_template(template).render(common | more)


def haproxy_cfg(plan: Plan) -> str:
    """Render ``/etc/haproxy/haproxy.cfg``: the same on every balancer."""
    haproxy = plan.settings.haproxy
    return _render(
        "haproxy.cfg.j2",
        plan,
        default_servers=default_servers(plan),
        observers=observers(plan.settings),
        metrics_uri=METRICS_URI,
        binds=[(address, bind_option(address)) for address in haproxy.binds],
        maxconn=haproxy.maxconn or marks.MAXCONN,
        maxconn_endpoint=haproxy.maxconn - connections.MONITOR_RESERVE
        if haproxy.maxconn
        else marks.MAXCONN_ENDPOINT,
    )


def bind_option(address: str) -> str:
    """Return what a bind line needs for an address that not every balancer has, the VIP for example."""
    everyone_has_it = is_everywhere(address) or ip_address(address).is_loopback
    return "" if everyone_has_it else " transparent"


def observers(settings: Settings) -> list[str]:
    """Return who may see metrics and statistics: the host itself, and those named or else the vSwitch."""
    return ["127.0.0.0/8", *(settings.haproxy.observer_cidrs or filter(None, [settings.vswitch_cidr]))]


def default_servers(plan: Plan) -> list[str]:
    """Return what the ``default-server`` lines say; several, since a preview cuts long lines short."""
    haproxy, health, timers = plan.settings.haproxy, plan.settings.health_check, plan.timers
    lines: list[str] = []
    if health.kind is CheckKind.HTTPS:
        lines += [
            f"check-ssl verify required ca-file {health.ca_file}"
            if health.ca_file
            else "check-ssl verify none"
        ]
    words = [f"inter {timers.check_inter}"]
    words += [f"fastinter {timers.check_fastinter}"] if timers.check_fastinter else []
    words += [f"downinter {timers.check_downinter}"] if timers.check_downinter else []
    words += [f"rise {timers.check_rise}", f"fall {timers.check_fall}"]
    words += [f"slowstart {haproxy.slowstart}"] if haproxy.slowstart else []
    words += [f"maxconn {haproxy.server_maxconn}"] if haproxy.server_maxconn else []
    words += [f"maxqueue {haproxy.server_maxqueue}"] if haproxy.server_maxqueue else []
    words += [f"weight {haproxy.server_weight}"] if haproxy.server_weight else []
    lines += [" ".join(words)]
    # Not sudden-death: a backend declared dead by a connection takes those being redispatched with it.
    lines += ["observe layer4 error-limit 1 on-error fastinter"] if haproxy.observe else []
    lines += (
        ["on-marked-down shutdown-sessions # without Lua"] if haproxy.cut_streams_of_dead_backends else []
    )
    return lines


def cut_dead_backends(plan: Plan) -> str:
    """Render what cuts the streams of dead backends in HAProxy, once nothing is being connected to them any more."""
    return _render("cut-dead-backends.lua.j2", plan, grace_ms=milliseconds(plan.timers.connect_timeout) + 100)


def haproxy_drop_in(plan: Plan) -> str:
    """Render the systemd drop-in of haproxy.service."""
    limit = connections.descriptors(plan.settings.haproxy)
    return _render("haproxy.service.conf.j2", plan, fd_limit=limit, restart_pause_ms=RESTART_PAUSE_MS)


def haproxy_events(plan: Plan, balancer: Balancer) -> str:
    """Render the script that tells keepalived of HAProxy's life and death."""
    settled = settle_s(plan.timers.advert_interval_ms)
    return _render("haproxy-events.sh.j2", plan, peers=plan.peers(balancer), settle_s=settled)


def keepalived_conf(plan: Plan, balancer: Balancer, vip: str) -> str:
    """Render ``/etc/keepalived/keepalived.conf`` of `balancer`."""
    advert = plan.timers.advert_interval_ms / 1000
    return _render(
        "keepalived.conf.j2",
        plan,
        balancer=balancer,
        interface=balancer.interface or marks.INTERFACE,
        vip=vip,
        peers=plan.peers(balancer),
        advert_s=f"{advert:g}",
        check_timeout_s=plan.timers.check_timeout_s,
    )


def check_haproxy(plan: Plan) -> str:
    """Render keepalived's periodic check."""
    return _render("check_haproxy.sh.j2", plan, watchdog_s=plan.timers.watchdog_s, round_pause_ms=ROUND_MS)


def vrrp_group(plan: Plan, vip: str) -> str:
    """Render what all balancers must say alike, or they are deaf to each other (RFC 5798 7.1, RFC 3768 7.1)."""
    keepalived = plan.settings.keepalived
    return (
        "# What every balancer's VRRP says alike. Written by kube-apiserver-havip.\n"
        f"version {keepalived.vrrp_version}\n"
        f"router_id {plan.router_id}\n"
        f"advert_ms {plan.timers.advert_interval_ms}\n"
        f"password {'yes' if keepalived.auth else 'no'}\n"
        f"vip {vip}\n"
    )


def keepalived_drop_in(plan: Plan, balancer: Balancer, vip: str) -> str:
    """Render the systemd drop-in of keepalived.service on `balancer`."""
    return _render(
        "keepalived.service.conf.j2",
        plan,
        vip=vip,
        lead=balancer.name == plan.lead.name,
        abort_s=ABORT_MS // 1000,
        restart_pause_ms=RESTART_PAUSE_MS,
    )


def _bundle(
    plan: Plan,
    balancer: Balancer,
    service: str,
    files: list[File],
    *,
    descriptors: Sequence[int] = (),
    probe: str = "",
) -> str:
    """Bundle `files` with what every bundle says: whose they are, and the place of `balancer` in a change."""
    order = [other.name for other in plan.rollout]
    place = order.index(balancer.name)
    pinned = re.compile(rf"{service}(=.+|-\d.*)")
    bundle = Bundle(
        plan.name,
        files,
        formerly=plan.formerly,
        take_over=plan.settings.take_over,
        lead=balancer.name == plan.lead.name,
        done=order[:place],
        next=order[place + 1 :],
        packages=[name for name in plan.settings.packages.names if pinned.fullmatch(name)],
        interface_of=balancer.address,
        interface=balancer.interface,
        descriptors=descriptors,
        probe=probe,
    )
    return str(bundle)


def haproxy_bundle(plan: Plan, balancer: Balancer) -> str:
    """Bundle all files of HAProxy on `balancer`."""
    files = [
        File(paths.HAPROXY_CFG, "0644", haproxy_cfg(plan)),
        File(paths.HAPROXY_DROP_IN, "0644", haproxy_drop_in(plan)),
        File(paths.EVENTS, "0755", haproxy_events(plan, balancer)),
    ]
    haproxy, port = plan.settings.haproxy, plan.settings.monitor_port
    if haproxy.cut_streams_of_dead_backends:
        files.append(File(paths.CUT_DEAD, "0644", cut_dead_backends(plan)))
    limits = (connections.descriptors(haproxy), connections.SPARE_DESCRIPTORS, connections.MONITOR_RESERVE)
    probe = f"http://127.0.0.1:{port}{haproxy.monitor_uri}"
    return _bundle(
        plan, balancer, "haproxy", files, descriptors=() if haproxy.maxconn else limits, probe=probe
    )


def keepalived_bundle(plan: Plan, balancer: Balancer, vip: str) -> str:
    """Bundle all files of keepalived on `balancer`, without the password."""
    files = [
        File(paths.GROUP, "0644", vrrp_group(plan, vip)),
        File(paths.KEEPALIVED_CONF, "0644", keepalived_conf(plan, balancer, vip)),
        File(plan.settings.keepalived.check_script, "0755", check_haproxy(plan)),
        File(paths.NOTIFY, "0755", _render("vrrp-notify.sh.j2", plan, vip=vip)),
        File(paths.KEEPALIVED_DROP_IN, "0644", keepalived_drop_in(plan, balancer, vip)),
    ]
    if plan.settings.keepalived.textfile_directory:
        files.append(File(paths.METRIC, "0755", _render("vrrp-metric.sh.j2", plan)))
    return _bundle(plan, balancer, "keepalived", files)


def tool() -> str:
    """Return the host tool, which is the same everywhere: one script made of the parts in ``hostctl/``."""
    return "\n".join((TEMPLATES / "hostctl" / f"{part}.sh").read_text() for part in _TOOL_PARTS)


def host_script() -> str:
    """Return what is sent to every host that the end of an ``up`` asks; the questions are appended to it."""
    return (TEMPLATES / "verify_host.sh").read_text()


def local_script(name: str) -> str:
    """Return the Python program ``templates/local/NAME`` for the machine that runs Pulumi, as one text.

    There is nothing to import from there: a module of ``templates.local`` takes the place of the first line that
    imports from it.
    """
    there: set[str] = set()

    def text_of(module: str) -> str:
        there.add(module)
        text = (TEMPLATES / "local" / f"{module}.py").read_text()
        return _LOCAL_IMPORT.sub(lambda found: "" if found[1] in there else text_of(found[1]) + "\n\n", text)

    return text_of(name.removesuffix(".py"))
