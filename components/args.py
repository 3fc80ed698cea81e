"""Arguments of ``ApiServerVip``. A plain dict works as well; a plain string works for an enum.

Lists and nested dicts are plain (their number is known at preview); every leaf may be an ``Output``.
Durations are HAProxy's (``500ms``, ``5s``, ``1h``; a bare number is milliseconds). Unless it says
otherwise, an empty text or 0 leaves a directive out. The defaults live in ``planning/settings.py``.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from components.args_services import FailoverArgs, HaproxyArgs, HealthCheckArgs, KeepalivedArgs
from components.enums import Verify, VrrpState


class SshProxyArgs(TypedDict):
    """A bastion between the machine that runs Pulumi and a host."""

    host: pulumi.Input[str]
    """Address or name of the bastion."""
    port: NotRequired[pulumi.Input[int]]
    """TCP port of its sshd. Default: 22."""
    user: NotRequired[pulumi.Input[str]]
    """User on the bastion. Default: root."""
    private_key: NotRequired[pulumi.Input[str]]
    """Private key in PEM or OpenSSH form (secret)."""
    private_key_password: NotRequired[pulumi.Input[str]]
    """Passphrase of the private key (secret)."""
    password: NotRequired[pulumi.Input[str]]
    """Password, where there is no key (secret)."""
    host_key: NotRequired[pulumi.Input[str]]
    """Expected host key, as known_hosts has it; where the host has several its ECDSA key (``ecdsa-sha2-nistp256
    AAAA...``), which Pulumi's plugin asks for first. ``any`` accepts every key. Default: learned once and kept in the
    state."""
    agent_socket_path: NotRequired[pulumi.Input[str]]
    """Socket of an SSH agent. Default: SSH_AUTH_SOCK."""


class SshArgs(TypedDict):
    """How to reach a host with SSH. A host's own values win over the component's."""

    host: NotRequired[pulumi.Input[str]]
    """Address or name SSH goes to. Default: the host's address."""
    port: NotRequired[pulumi.Input[int]]
    """TCP port of sshd. Default: 22."""
    user: NotRequired[pulumi.Input[str]]
    """User; any other than root needs ``sudo`` without a password. Default: root."""
    private_key: NotRequired[pulumi.Input[str]]
    """Private key in PEM or OpenSSH form (secret)."""
    private_key_password: NotRequired[pulumi.Input[str]]
    """Passphrase of the private key (secret)."""
    password: NotRequired[pulumi.Input[str]]
    """Password, where there is no key (secret)."""
    host_key: NotRequired[pulumi.Input[str]]
    """Expected host key, as known_hosts has it; where the host has several its ECDSA key (``ecdsa-sha2-nistp256
    AAAA...``), which Pulumi's plugin asks for first. ``any`` accepts every key. Default: learned once and kept in the
    state."""
    agent_socket_path: NotRequired[pulumi.Input[str]]
    """Socket of an SSH agent. Default: SSH_AUTH_SOCK."""
    dial_error_limit: NotRequired[pulumi.Input[int]]
    """Failed attempts to connect before giving up. Default: 15."""
    per_dial_timeout: NotRequired[pulumi.Input[int]]
    """Seconds for one attempt. Default: 15."""
    proxy: NotRequired[SshProxyArgs]
    """A bastion in between. Default: none."""


class BalancerArgs(TypedDict):
    """A host that runs HAProxy and keepalived, is attached to the HaVip, and may hold the VIP."""

    name: str
    """Name of the host, part of the names of its resources."""
    instance_id: pulumi.Input[str]
    """ECS instance id."""
    address: pulumi.Input[str]
    """Private IPv4 address in the HaVip's vSwitch."""
    interface: NotRequired[pulumi.Input[str]]
    """Network interface of the address: a host where another one has it is refused. Default: found on the host."""
    priority: NotRequired[pulumi.Input[int]]
    """VRRP priority, 1 to 254. Default: 254 less their number for the first in the list (252 of two), one
    less for each that follows."""
    state: NotRequired[pulumi.Input[VrrpState]]
    """State keepalived starts in. Default: BACKUP (MASTER needs ``keepalived.nopreempt`` false)."""
    ssh: NotRequired[SshArgs]
    """How to reach this host. Default: the component's ``ssh``."""
    instance: NotRequired[Any]
    """The instance's resource, if it is in this stack: what is on the host goes with it, without SSH. Not one that
    stays when it leaves the stack (``retain_on_delete``, ``protect``): the engine takes it for deleted."""


class BackendArgs(TypedDict):
    """A kube-apiserver."""

    name: str
    """Name of the server in haproxy.cfg."""
    address: pulumi.Input[str]
    """IPv4 address."""
    port: NotRequired[pulumi.Input[int]]
    """TCP port. Default: the component's ``backend_port``."""
    ssh: NotRequired[SshArgs]
    """Given, the endpoint is verified from this host too. Default: it is not, unless it is a balancer."""
    instance_id: NotRequired[pulumi.Input[str]]
    """ECS instance id. Another one has another host key. Default: a host is known by where SSH goes to."""
    instance: NotRequired[Any]
    """The instance's resource, if it is in this stack."""


class EipArgs(TypedDict):
    """A public address for the VIP."""

    bandwidth_mbps: NotRequired[pulumi.Input[int]]
    """Peak bandwidth in Mbit/s. Default: 5."""
    charge_type: NotRequired[pulumi.Input[str]]
    """PayByTraffic or PayByBandwidth. Default: PayByTraffic."""
    isp: NotRequired[pulumi.Input[str]]
    """Line type, such as BGP or BGP_PRO. Default: the cloud's (BGP)."""


class PackagesArgs(TypedDict):
    """What the host's package manager installs."""

    install: NotRequired[pulumi.Input[bool]]
    """Whether to install; if not, haproxy, keepalived, socat and curl must be there. Default: true."""
    names: NotRequired[list[pulumi.Input[str]]]
    """Packages as NAME or NAME=VERSION, with * for anything in a version, such as ``haproxy=2.6.*``; another version
    is installed, later or earlier. socat and curl are added if left out. Default: haproxy, keepalived, socat, curl."""
    timeout_s: NotRequired[pulumi.Input[int]]
    """Seconds to wait for cloud-init, for other package managers and for the installation. Default: 600."""


class AdoptArgs(TypedDict):
    """A HaVip that somebody made already: it is imported, keeps its name, description and tags, and outlives the stack.

    Once left out (after an ``up``), the stack owns it like any other.
    """

    ha_vip_id: str
    """Id of the HaVip, such as havip-bp1...; with ``vip``, if given, its address."""
    balancers: NotRequired[list[str]]
    """Names of the balancers that are attached to it already. Default: every balancer."""


class ApiServerVipArgs(TypedDict):
    """A highly available endpoint of a Kubernetes control plane."""

    vswitch_id: pulumi.Input[str]
    """vSwitch of the HaVip and of all balancers."""
    balancers: list[BalancerArgs]
    """2 to 10 hosts; the first is the planned holder of the VIP."""
    backends: list[BackendArgs]
    """Every kube-apiserver."""
    vswitch_cidr: pulumi.Input[str]
    """CIDR of the vSwitch: addresses are checked against it before anything is changed."""
    vip: NotRequired[pulumi.Input[str]]
    """The virtual IP. Default: the HaVip picks a free address of the vSwitch."""
    port: NotRequired[pulumi.Input[int]]
    """TCP port of the endpoint. Default: 16443."""
    additional_ports: NotRequired[list[pulumi.Input[int]]]
    """TCP ports it answers on as well, such as the old one until every client has moved. Default: none."""
    backend_port: NotRequired[pulumi.Input[int]]
    """TCP port of every kube-apiserver that names none. Default: 6443."""
    monitor_port: NotRequired[pulumi.Input[int]]
    """TCP port of HAProxy's monitor page. Default: 33305."""
    health_check: NotRequired[HealthCheckArgs]
    """How HAProxy learns whether a kube-apiserver is ready."""
    failover: NotRequired[FailoverArgs]
    """How quickly faults are noticed. Default: preset standard."""
    haproxy: NotRequired[HaproxyArgs]
    """Other directives of haproxy.cfg."""
    keepalived: NotRequired[KeepalivedArgs]
    """Other directives of keepalived.conf."""
    eip: NotRequired[EipArgs]
    """A public address for the VIP; an empty dict takes every default. Default: none."""
    packages: NotRequired[PackagesArgs]
    """What is installed on the balancers."""
    take_over: NotRequired[pulumi.Input[bool]]
    """Whether a configuration of HAProxy or keepalived that somebody else made on a balancer is replaced; destroying
    the stack puts it back. Default: false, such a host is refused."""
    adopt: NotRequired[AdoptArgs]
    """A HaVip that exists already. Default: one is made."""
    verify: NotRequired[pulumi.Input[Verify]]
    """What the end of an ``up`` demands of the VIP: auto (a kube-apiserver answers as soon as one is up; before
    ``kubeadm init`` it is enough that HAProxy does), strict (a kube-apiserver answers) or off. Default: auto."""
    verify_timeout_s: NotRequired[pulumi.Input[int]]
    """Seconds until everything that is verified must hold. Default: 120."""
    ssh: NotRequired[SshArgs]
    """How to reach every host that does not say otherwise."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of every cloud resource. Default: none."""
