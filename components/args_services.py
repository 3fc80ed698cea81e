"""The directives of HAProxy and keepalived as arguments; part of ``args.py``, whose conventions hold here."""

from typing import NotRequired, TypedDict

import pulumi

from components.enums import CheckKind, NotReady, OnFailure, Preset, ProbeKind


class HealthCheckArgs(TypedDict):
    """How HAProxy learns whether a kube-apiserver is ready."""

    kind: NotRequired[pulumi.Input[CheckKind]]
    """https (TLS and ``GET path``) or tcp (a connection is enough). Default: https."""
    path: NotRequired[pulumi.Input[str]]
    """Path to ask for. Default: /readyz."""
    expect_status: NotRequired[pulumi.Input[str]]
    """HTTP statuses that mean ready, such as ``200,401`` with ``--anonymous-auth=false``. Default: 200."""
    not_ready: NotRequired[pulumi.Input[NotReady]]
    """Its streams, if it answers otherwise: drain (from HAProxy 2.4 on) keeps, down cuts them. Default: drain."""
    ca_file: NotRequired[pulumi.Input[str]]
    """CA file on the balancers that the backends' certificates are verified with. Default: not verified."""
    host: NotRequired[pulumi.Input[str]]
    """Host header. Default: kube-apiserver."""


class FailoverArgs(TypedDict):
    """How quickly faults are noticed: a preset, and single timers in place of the preset's."""

    preset: NotRequired[pulumi.Input[Preset]]
    """fast, standard or tolerant (of hosts that pause). Default: standard."""
    advert_interval_ms: NotRequired[pulumi.Input[int]]
    """Milliseconds between adverts; a host is dead after three. Default: 200 (fast 100, tolerant 1000)."""
    connect_timeout: NotRequired[pulumi.Input[str]]
    """For a connection to a backend. Default: 500ms (300ms, 2s)."""
    check_inter: NotRequired[pulumi.Input[str]]
    """Between two checks of a backend. Default: 500ms (300ms, 2s)."""
    check_fastinter: NotRequired[pulumi.Input[str]]
    """Between two checks while the verdict changes; empty: as check_inter. Default: 100ms (100ms, 500ms)."""
    check_downinter: NotRequired[pulumi.Input[str]]
    """Between two checks of a dead backend; empty: as check_inter. Default: 500ms (300ms, 1s)."""
    check_timeout: NotRequired[pulumi.Input[str]]
    """For the answer to a check once TLS is up. Default: 10s (5s, 15s), since a slow answer is no fault."""
    check_fall: NotRequired[pulumi.Input[int]]
    """Failed checks in a row that make a backend dead. Default: 3 (2, 3)."""
    check_rise: NotRequired[pulumi.Input[int]]
    """Good checks in a row that make it alive. Default: 2."""
    probe_interval_s: NotRequired[pulumi.Input[int]]
    """Whole seconds between keepalived's questions to its HAProxy. Default: 1 (1, 2)."""
    probe_tries: NotRequired[pulumi.Input[int]]
    """Tries within one question. Default: 2 (2, 3)."""
    probe_timeout_ms: NotRequired[pulumi.Input[int]]
    """Milliseconds for one try. Default: 250 (150, 500)."""
    probe_delay_ms: NotRequired[pulumi.Input[int]]
    """Milliseconds after a failed try. Default: 50 (50, 100)."""
    probe_fall: NotRequired[pulumi.Input[int]]
    """Failed questions in a row that make HAProxy dead. Default: 1."""
    probe_rise: NotRequired[pulumi.Input[int]]
    """Good questions in a row that make it alive. Default: 1."""
    peer_timeout_ms: NotRequired[pulumi.Input[int]]
    """Milliseconds for asking the peers whether one can take over. Default: 100 (100, 300)."""
    restart_after_s: NotRequired[pulumi.Input[int]]
    """Seconds of silence after which a hung HAProxy is killed and started anew; 0: never. Default: 3 (2, 10)."""


class HaproxyArgs(TypedDict):
    """Directives of haproxy.cfg that are not timers of detection."""

    binds: NotRequired[list[pulumi.Input[str]]]
    """Addresses the endpoint listens on. Default: ``*``."""
    monitor_bind: NotRequired[pulumi.Input[str]]
    """Address the monitor listens on; the peers ask there. Default: ``*``."""
    monitor_uri: NotRequired[pulumi.Input[str]]
    """Path of the monitor page. Default: /monitor."""
    monitor_needs_backend: NotRequired[pulumi.Input[bool]]
    """Whether the monitor says 503 while no backend is up. Default: true."""
    metrics: NotRequired[pulumi.Input[bool]]
    """Prometheus metrics at /metrics on the monitor's port; false for a HAProxy built without. Default: true."""
    stats_uri: NotRequired[pulumi.Input[str]]
    """Path of HAProxy's statistics page on the monitor's port; empty: none. Default: /stats."""
    observer_cidrs: NotRequired[list[pulumi.Input[str]]]
    """Who may see both, besides the host itself (CIDRs). Default: the vSwitch."""
    frontend_name: NotRequired[pulumi.Input[str]]
    """Name of the endpoint's frontend section. Default: kube-apiserver."""
    backend_name: NotRequired[pulumi.Input[str]]
    """Name of the backend section. Default: kube-apiserver."""
    maxconn: NotRequired[pulumi.Input[int]]
    """Connections at a time, 50 of which are kept for the monitor's port; the unit's file descriptor limit follows it.
    Default: 0, half the descriptors that the host permits a process, at most 50,000."""
    ulimit_n: NotRequired[pulumi.Input[int]]
    """File descriptors, if HAProxy shall set its limit. Default: the unit's, twice maxconn and 1000."""
    user: NotRequired[pulumi.Input[str]]
    """User of the workers. Default: haproxy."""
    group: NotRequired[pulumi.Input[str]]
    """Group of the workers. Default: haproxy."""
    chroot: NotRequired[pulumi.Input[str]]
    """Directory the workers are confined to. Default: /var/lib/haproxy."""
    log_target: NotRequired[pulumi.Input[str]]
    """Target of ``log``: stdout (the journal), /dev/log or an address. Default: stdout."""
    log_format: NotRequired[pulumi.Input[str]]
    """Format of ``log``. Default: raw."""
    log_facility: NotRequired[pulumi.Input[str]]
    """Facility of ``log``. Default: local0."""
    log_level: NotRequired[pulumi.Input[str]]
    """Highest level of ``log``; info also logs every connection. Default: notice."""
    stats_socket: NotRequired[pulumi.Input[bool]]
    """The admin socket, for root only; without it a reload forgets which backends are dead. Default: true."""
    stats_timeout: NotRequired[pulumi.Input[str]]
    """``stats timeout``. Default: 30s."""
    hard_stop_after: NotRequired[pulumi.Input[str]]
    """How long an old worker may serve its streams after a reload. Default: 12h."""
    defaults_mode: NotRequired[pulumi.Input[str]]
    """``mode`` of the defaults section (the frontends set their own). Default: tcp."""
    defaults_option: NotRequired[pulumi.Input[str]]
    """One ``option`` of the defaults section. Default: dontlognull."""
    timeout_client: NotRequired[pulumi.Input[str]]
    """``timeout client``. Default: 24h."""
    timeout_server: NotRequired[pulumi.Input[str]]
    """``timeout server``. Default: 24h."""
    timeout_tunnel: NotRequired[pulumi.Input[str]]
    """``timeout tunnel``. Default: 24h."""
    timeout_client_fin: NotRequired[pulumi.Input[str]]
    """``timeout client-fin``. Default: 30s."""
    timeout_server_fin: NotRequired[pulumi.Input[str]]
    """``timeout server-fin``. Default: 30s."""
    timeout_queue: NotRequired[pulumi.Input[str]]
    """``timeout queue``. Default: left out (HAProxy takes the connect timeout)."""
    timeout_http_request: NotRequired[pulumi.Input[str]]
    """``timeout http-request``. Default: 10s."""
    timeout_http_keep_alive: NotRequired[pulumi.Input[str]]
    """``timeout http-keep-alive``. Default: 10s."""
    tcp_keepalive: NotRequired[pulumi.Input[bool]]
    """TCP keepalive on both sides: ends streams whose other end vanished. Default: true (before HAProxy 2.4
    with the kernel's times instead of the three below)."""
    tcp_keepalive_idle: NotRequired[pulumi.Input[str]]
    """Silence before the first keepalive probe. Default: 30s."""
    tcp_keepalive_interval: NotRequired[pulumi.Input[str]]
    """Between two keepalive probes. Default: 5s."""
    tcp_keepalive_count: NotRequired[pulumi.Input[int]]
    """Unanswered probes that end a stream. Default: 3."""
    redispatch: NotRequired[pulumi.Input[bool]]
    """Try a refused connection on another backend (``option redispatch 1``, ``retries``). Default: true."""
    retries: NotRequired[pulumi.Input[int]]
    """``retries``. Default: 3."""
    inspect_delay: NotRequired[pulumi.Input[str]]
    """``tcp-request inspect-delay``. Default: left out."""
    balance: NotRequired[pulumi.Input[str]]
    """``balance``. Default: leastconn, which suits long-lived connections."""
    observe: NotRequired[pulumi.Input[bool]]
    """Let a failed connection bring the next check forward. (It may also cut a check short that is under way: a
    kube-apiserver that is slow to answer and misses connections as well may then be taken for dead.) Default: true."""
    cut_streams_of_dead_backends: NotRequired[pulumi.Input[bool]]
    """Cut the streams of a refused, vanished or hung backend (not of one that answers TLS and is slow), one
    ``connect_timeout`` after it is found dead: what was just being connected is on another one by then. (A HAProxy
    without Lua cuts at once.) Streams that an old worker still has after a reload, too, if there is a ``stats_uri``
    to ask the new one, and Lua; and as long as it is to be asked there: an old worker knows no later
    ``monitor_port``, ``stats_uri`` or name of a backend. Default: true."""
    slowstart: NotRequired[pulumi.Input[str]]
    """``slowstart`` of a backend that returns. Default: left out."""
    server_maxconn: NotRequired[pulumi.Input[int]]
    """``maxconn`` of each backend. Default: 0, no limit."""
    server_maxqueue: NotRequired[pulumi.Input[int]]
    """``maxqueue`` of each backend. Default: 0, no limit."""
    server_weight: NotRequired[pulumi.Input[int]]
    """``weight`` of each backend. Default: 0, left out."""


class KeepalivedArgs(TypedDict):
    """Directives of keepalived.conf that are not timers."""

    router_id: NotRequired[pulumi.Input[str]]
    """``router_id`` of global_defs. Default: the component's and the host's name."""
    virtual_router_id: NotRequired[pulumi.Input[int]]
    """VRRP router id, 1 to 255. Default: derived from the component's name."""
    vrrp_version: NotRequired[pulumi.Input[int]]
    """2 or 3. Default: 3."""
    auth_pass: NotRequired[pulumi.Input[str]]
    """Password, 1 to 8 characters, version 2 only (secret). Default: none; only peers are heard anyway."""
    instance_name: NotRequired[pulumi.Input[str]]
    """Name of the vrrp_instance. Default: VI_1."""
    nopreempt: NotRequired[pulumi.Input[bool]]
    """Whether a returning host leaves the VIP where it is. Default: true."""
    script_user: NotRequired[pulumi.Input[str]]
    """``script_user``; nobody else can do what the scripts do. Default: root."""
    enable_script_security: NotRequired[pulumi.Input[bool]]
    """``enable_script_security``. Default: true."""
    check_name: NotRequired[pulumi.Input[str]]
    """Name of the vrrp_script. Default: chk_haproxy."""
    check_script: NotRequired[pulumi.Input[str]]
    """Path of the check script, in /etc/keepalived. Default: /etc/keepalived/check_haproxy.sh."""
    check_kind: NotRequired[pulumi.Input[ProbeKind]]
    """http (does HAProxy answer?) or process (is there one?). Default: http."""
    check_weight: NotRequired[pulumi.Input[int]]
    """``weight`` of the check; 0 means it decides alone. Default: 0."""
    on_failure: NotRequired[pulumi.Input[OnFailure]]
    """release (let go of the VIP if a peer can take over) or stop-keepalived (for good). Default: release."""
    track_file: NotRequired[pulumi.Input[bool]]
    """Let haproxy.service tell keepalived of its death at once. Default: true."""
    notify_script: NotRequired[pulumi.Input[str]]
    """A program on the balancers, started at every transition with instance, state and priority; it gets a minute, and
    what it says goes to the journal. Default: none."""
    textfile_directory: NotRequired[pulumi.Input[str]]
    """Where the node exporter's textfile collector looks, for VRRP's state as a metric. Default: none."""
    garp_master_delay_s: NotRequired[pulumi.Input[int]]
    """Seconds to the second burst of gratuitous ARP. Default: 1."""
    garp_master_repeat: NotRequired[pulumi.Input[int]]
    """Gratuitous ARPs in a burst. Default: 5."""
    garp_master_refresh_s: NotRequired[pulumi.Input[int]]
    """Seconds between refreshing ones while master. Default: 10."""
