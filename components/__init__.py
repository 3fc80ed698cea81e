"""Pulumi components for a highly available kube-apiserver endpoint on Alibaba Cloud."""

from components.apiserver_vip import ApiServerVip
from components.args import (
    AdoptArgs,
    ApiServerVipArgs,
    BackendArgs,
    BalancerArgs,
    EipArgs,
    PackagesArgs,
    SshArgs,
    SshProxyArgs,
)
from components.args_services import FailoverArgs, HaproxyArgs, HealthCheckArgs, KeepalivedArgs
from components.enums import CheckKind, NotReady, OnFailure, Preset, ProbeKind, Verify, VrrpState
from components.masters import Master, MasterArgs, Masters, MastersArgs
from components.network import Network, NetworkArgs

__all__ = [
    "AdoptArgs",
    "ApiServerVip",
    "ApiServerVipArgs",
    "BackendArgs",
    "BalancerArgs",
    "CheckKind",
    "EipArgs",
    "FailoverArgs",
    "HaproxyArgs",
    "HealthCheckArgs",
    "KeepalivedArgs",
    "Master",
    "MasterArgs",
    "Masters",
    "MastersArgs",
    "Network",
    "NetworkArgs",
    "NotReady",
    "OnFailure",
    "PackagesArgs",
    "Preset",
    "ProbeKind",
    "SshArgs",
    "SshProxyArgs",
    "Verify",
    "VrrpState",
]
