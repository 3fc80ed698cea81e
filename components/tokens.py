"""What a stack's state calls what this program makes: types of resources, and names of the steps on a host."""

PREFIX = "kube-apiserver-havip:index:"
APISERVER_VIP = f"{PREFIX}ApiServerVip"
BALANCER_HOST = f"{PREFIX}BalancerHost"
HOST_KEYS = f"{PREFIX}HostKeys"
MASTERS = f"{PREFIX}Masters"
NETWORK = f"{PREFIX}Network"
VERIFICATION = f"{PREFIX}Verification"
HA_VIP = "alicloud:vpc/haVipv2:HaVipv2"
ATTACHMENT = "alicloud:vpc/hAVipAttachment:HAVipAttachment"
COMMAND = "command:remote:Command"
"""Every step on a host is one."""


def host_name(endpoint: str, host: str) -> str:
    """Return the name of the component that `host` is in `endpoint`."""
    return f"{endpoint}-{host}"


def step_name(host: str, step: str) -> str:
    """Return the name of a step (tool, packages, haproxy, keepalived and others, none with a dash) on a `host_name`."""
    return f"{host}-{step}"


def host_and_step(name: str) -> tuple[str, str]:
    """Return what a `step_name` was made of; it does not tell where in the `host_name` the endpoint's name ends."""
    host, _, step = name.rpartition("-")
    return host, step
