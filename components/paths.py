"""Where things live on a host."""

RUNTIME_NAME = "kube-apiserver-havip"
"""systemd's RuntimeDirectory of both services."""
RUNTIME = f"/run/{RUNTIME_NAME}"
LIBRARY = f"/usr/local/lib/{RUNTIME_NAME}"

TOOL = f"{LIBRARY}/hostctl"
EVENTS = f"{LIBRARY}/haproxy-events"
NOTIFY = f"{LIBRARY}/vrrp-notify"
GROUP = f"{LIBRARY}/vrrp-group"

TRACK_FILE = f"{RUNTIME}/haproxy-down"
VRRP_STATE = f"{RUNTIME}/vrrp-state"
SENIORITY = f"{RUNTIME}/seniority"
"""What a holder's priority is raised by (`Plan.seniority`), else 0."""
SENIORITY_LOCK = f"{RUNTIME}/seniority.lock"
ADMIN_SOCKET = f"{RUNTIME}/haproxy.sock"
SERVER_STATE = f"{RUNTIME}/server-state"
REVIVAL_LOCK = f"{RUNTIME}/revival.lock"

CUT_DEAD = f"{LIBRARY}/cut-dead-backends.lua"

HAPROXY_CFG = "/etc/haproxy/haproxy.cfg"
HAPROXY_DROP_IN = "/etc/systemd/system/haproxy.service.d/kube-apiserver-havip.conf"
KEEPALIVED_CONF = "/etc/keepalived/keepalived.conf"
KEEPALIVED_DROP_IN = "/etc/systemd/system/keepalived.service.d/kube-apiserver-havip.conf"
AUTH_NAME = "auth.conf"
"""Beside keepalived.conf, which includes it."""
LEAVERS_NAME = "leavers.conf"
"""Likewise; not in any bundle, since the host itself keeps it."""

METRICS_URI = "/metrics"
"""Where Prometheus asks, on the monitor's port."""

INTERFACE_MARK = "@INTERFACE@"
"""Replaced on the host by the interface that has the balancer's address."""
