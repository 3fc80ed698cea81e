"""What the arguments become once they are plain values: frozen dataclasses holding every default.

One class mirrors one ``TypedDict`` of ``args.py`` key by key (a test compares them). A text that is
empty leaves its directive out. Durations are HAProxy's (``durations.py``).
"""

from dataclasses import dataclass, field
from ipaddress import ip_address

from components.enums import CheckKind, NotReady, OnFailure, Preset, ProbeKind, Verify, VrrpState

PORT = 16443
"""TCP port of the endpoint: beside 6443, which a kube-apiserver on the same host has."""
VPC_CIDR, VSWITCH_CIDR = "10.0.0.0/16", "10.0.0.0/24"
"""Of a network that is created."""
INSTANCE_TYPE = "ecs.g7.large"
"""Of masters that are created."""
METRICS_URI = "/metrics"
"""Where Prometheus asks, on the monitor's port."""

NOT_GIVEN = -(2**31)
"""In place of a number that is derived unless it is given: nobody gives this one, and 0 breaks a rule."""


def is_everywhere(address: str) -> bool:
    """Return whether who binds to `address` listens on every IPv4 address of its host; on Linux ``::`` does, too."""
    try:
        return address == "*" or ip_address(address).is_unspecified
    except ValueError:
        return False


@dataclass(frozen=True)
class Balancer:
    """One host that runs HAProxy and keepalived."""

    name: str = ""
    address: str = ""
    interface: str = ""
    priority: int = NOT_GIVEN
    state: VrrpState = VrrpState.BACKUP


@dataclass(frozen=True)
class Backend:
    """One kube-apiserver."""

    name: str = ""
    address: str = ""
    port: int = NOT_GIVEN


@dataclass(frozen=True)
class HealthCheck:
    """How HAProxy learns whether a kube-apiserver is ready."""

    kind: CheckKind = CheckKind.HTTPS
    path: str = "/readyz"
    expect_status: str = "200"
    not_ready: NotReady = NotReady.DRAIN
    ca_file: str = ""
    host: str = "kube-apiserver"


@dataclass(frozen=True)
class Failover:
    """Explicit timers; what is left out (``None``) comes from the preset."""

    preset: Preset = Preset.STANDARD
    advert_interval_ms: int | None = None
    connect_timeout: str | None = None
    check_inter: str | None = None
    check_fastinter: str | None = None
    check_downinter: str | None = None
    check_timeout: str | None = None
    check_fall: int | None = None
    check_rise: int | None = None
    probe_interval_s: int | None = None
    probe_tries: int | None = None
    probe_timeout_ms: int | None = None
    probe_delay_ms: int | None = None
    probe_fall: int | None = None
    probe_rise: int | None = None
    peer_timeout_ms: int | None = None
    restart_after_s: int | None = None


@dataclass(frozen=True)
class Haproxy:
    """Every directive value of haproxy.cfg that is not a timer of detection."""

    binds: tuple[str, ...] = ("*",)
    monitor_bind: str = "*"
    monitor_uri: str = "/monitor"
    monitor_needs_backend: bool = True
    metrics: bool = True
    stats_uri: str = "/stats"
    observer_cidrs: tuple[str, ...] = ()
    frontend_name: str = "kube-apiserver"
    backend_name: str = "kube-apiserver"
    # As many as the host's descriptors allow.
    maxconn: int = 0
    ulimit_n: int = 0
    user: str = "haproxy"
    group: str = "haproxy"
    chroot: str = "/var/lib/haproxy"
    log_target: str = "stdout"
    log_format: str = "raw"
    log_facility: str = "local0"
    log_level: str = "notice"
    stats_socket: bool = True
    stats_timeout: str = "30s"
    hard_stop_after: str = "12h"
    defaults_mode: str = "tcp"
    defaults_option: str = "dontlognull"
    # exec, logs and watch streams are silent for hours; the dead ones among them are found by TCP keepalive.
    timeout_client: str = "24h"
    timeout_server: str = "24h"
    timeout_tunnel: str = "24h"
    timeout_client_fin: str = "30s"
    timeout_server_fin: str = "30s"
    timeout_queue: str = ""
    timeout_http_request: str = "10s"
    timeout_http_keep_alive: str = "10s"
    tcp_keepalive: bool = True
    tcp_keepalive_idle: str = "30s"
    tcp_keepalive_interval: str = "5s"
    tcp_keepalive_count: int = 3
    redispatch: bool = True
    retries: int = 3
    inspect_delay: str = ""
    balance: str = "leastconn"
    observe: bool = True
    cut_streams_of_dead_backends: bool = True
    slowstart: str = ""
    server_maxconn: int = 0
    server_maxqueue: int = 0
    server_weight: int = 0

    @property
    def everywhere(self) -> bool:
        """Return whether it listens on every IPv4 address of its host."""
        return any(map(is_everywhere, self.binds))


@dataclass(frozen=True)
class Keepalived:
    """Every directive value of keepalived.conf that is not a timer."""

    router_id: str = ""
    virtual_router_id: int = NOT_GIVEN
    vrrp_version: int = 3
    instance_name: str = "VI_1"
    nopreempt: bool = True
    script_user: str = "root"
    enable_script_security: bool = True
    check_name: str = "chk_haproxy"
    check_script: str = "/etc/keepalived/check_haproxy.sh"
    check_kind: ProbeKind = ProbeKind.HTTP
    check_weight: int = 0
    on_failure: OnFailure = OnFailure.RELEASE
    track_file: bool = True
    notify_script: str = ""
    textfile_directory: str = ""
    garp_master_delay_s: int = 1
    garp_master_repeat: int = 5
    garp_master_refresh_s: int = 10
    # VRRP v2 only. The password itself is never among the settings: they are rendered in the open.
    auth: bool = False


@dataclass(frozen=True)
class Packages:
    """What the host's package manager installs."""

    install: bool = True
    names: tuple[str, ...] = ("haproxy", "keepalived", "socat", "curl")
    timeout_s: int = 600

    @property
    def every_name(self) -> tuple[str, ...]:
        """The names, and what the scripts on the host cannot do without (curl-minimal is a curl, too)."""
        tools = ("socat", "curl")
        return (
            *self.names,
            *(tool for tool in tools if not any(name.startswith(tool) for name in self.names)),
        )


@dataclass(frozen=True)
class Settings:
    """All plain arguments of one ``ApiServerVip`` that rules look at and files are rendered from."""

    vip: str = ""
    vswitch_cidr: str = ""
    port: int = PORT
    additional_ports: tuple[int, ...] = ()
    backend_port: int = 6443
    monitor_port: int = 33305
    balancers: tuple[Balancer, ...] = ()
    backends: tuple[Backend, ...] = ()
    health_check: HealthCheck = field(default_factory=HealthCheck)
    failover: Failover = field(default_factory=Failover)
    haproxy: Haproxy = field(default_factory=Haproxy)
    keepalived: Keepalived = field(default_factory=Keepalived)
    packages: Packages = field(default_factory=Packages)
    take_over: bool = False
    verify: Verify = Verify.AUTO
    verify_timeout_s: int = 120
