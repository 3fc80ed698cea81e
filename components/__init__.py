"""Pulumi components for a highly available kube-apiserver endpoint on Alibaba Cloud."""

from components.apiserver_vip import ApiServerVip
from components.args import ApiServerVipArgs, BackendArgs, BalancerArgs, EipArgs, PackagesArgs, SshArgs
from components.args_services import FailoverArgs, HaproxyArgs, HealthCheckArgs, KeepalivedArgs
from components.enums import CheckKind, NotReady, OnFailure, Preset, ProbeKind, Verify, VrrpState
from components.masters import Master, MasterArgs, Masters, MastersArgs
from components.network import Network, NetworkArgs

__all__ = [
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
    "Verify",
    "VrrpState",
]
