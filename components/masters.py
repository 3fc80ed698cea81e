"""``Masters``: the ECS instances of a control plane, created or existing, in one form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
from pulumi_alicloud import ecs

from components import eip, tokens
from components.planning.settings import INSTANCE_TYPE
from components.rules import claims, shapes
from components.rules.surroundings import check_masters, named


class MasterArgs(TypedDict):
    """One master."""

    name: str
    """Name of the instance and its host name."""
    address: pulumi.Input[str]
    """Private IPv4 address in the vSwitch."""
    instance_id: NotRequired[pulumi.Input[str]]
    """Id of an instance that exists already. Default: it is created."""
    ssh_host: NotRequired[pulumi.Input[str]]
    """Where SSH goes to. Default: the EIP if there is one, else the private address."""


class MastersArgs(TypedDict):
    """The masters, and what the created ones among them have in common."""

    masters: list[MasterArgs]
    """Every master, in order."""
    vswitch_id: NotRequired[pulumi.Input[str]]
    """vSwitch of created masters."""
    vswitch_cidr: NotRequired[pulumi.Input[str]]
    """CIDR of the vSwitch, for checking addresses before anything is changed. Default: not checked."""
    security_group_id: NotRequired[pulumi.Input[str]]
    """Security group of created masters. Required unless ``security_group_ids`` are given."""
    security_group_ids: NotRequired[list[pulumi.Input[str]]]
    """Up to 4 more groups of created masters. Beside existing masters one of those is needed that these are in: a basic
    group with inner access, since no rule lets VRRP pass. Default: none."""
    image_id: NotRequired[pulumi.Input[str]]
    """Image of created masters."""
    instance_type: NotRequired[pulumi.Input[str]]
    """Instance type of created masters. Default: ecs.g7.large."""
    system_disk_category: NotRequired[pulumi.Input[str]]
    """Disk category of created masters. Default: cloud_essd."""
    public_key: NotRequired[pulumi.Input[str]]
    """SSH public key of root on created masters."""
    user_data: NotRequired[pulumi.Input[str]]
    """User data (a script or cloud-config) of created masters. Default: none."""
    public: NotRequired[bool]
    """Whether every created master gets an EIP. Default: false."""
    eip_bandwidth_mbps: NotRequired[pulumi.Input[int]]
    """Peak bandwidth of these EIPs in Mbit/s. Default: 5."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of every resource. Default: none."""


@dataclass(frozen=True)
class Master:
    """One master, created or not."""

    name: str
    address: pulumi.Input[str]
    instance_id: pulumi.Input[str]
    """As it was given, for an instance that exists."""
    ssh_host: pulumi.Output[str]
    instance: ecs.Instance | None
    """The resource of a created one: for ``deleted_with``."""


class Masters(pulumi.ComponentResource):
    """The instances. Those that exist already are passed through untouched."""

    instance_ids: pulumi.Output[list[str]]
    """ECS instance ids, in the order of the arguments."""
    ssh_hosts: pulumi.Output[list[str]]
    """Where SSH goes to, in the order of the arguments."""

    def __init__(self, name: str, args: MastersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Add the masters `name`; ``pulumi.RunError`` names every rule that `args` breaks."""
        check_masters(name, MastersArgs, args)
        args = shapes.given(args)
        claims.take_names(claims.of_this_run(), claims.MASTERS, name, named(args))
        super().__init__(tokens.MASTERS, name, {}, opts)
        self._name, self._args = name, args
        self._key = self._key_pair()
        self._masters = [self._master(master) for master in args["masters"]]
        self.instance_ids = _together([master.instance_id for master in self._masters])
        self.ssh_hosts = _together([master.ssh_host for master in self._masters])
        self.register_outputs({"instance_ids": self.instance_ids, "ssh_hosts": self.ssh_hosts})

    @staticmethod
    def check(name: str, args: Mapping[str, object]) -> None:
        """Check arguments before anything is registered, in a stack that also creates what they refer to.

        Ids of cloud resources may be missing. Raises ``pulumi.RunError`` naming every rule broken.
        """
        check_masters(name, MastersArgs, args, whole=False)

    @property
    def masters(self) -> list[Master]:
        """Every master with its resource, in the order of the arguments: for programs in Python."""
        return self._masters

    def _key_pair(self) -> ecs.EcsKeyPair | None:
        if all(master.get("instance_id") for master in self._args["masters"]):
            return None
        return ecs.EcsKeyPair(
            f"{self._name}-key",
            key_pair_name=self._name,
            public_key=self._args.get("public_key"),
            tags=self._args.get("tags"),
            # The cloud cannot change a pair's key, and the provider would only write down that it had. For another name
            # it would make another pair, and reboot every master at once to put that in.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["publicKey", "keyPairName"]),
        )

    def _master(self, args: MasterArgs) -> Master:
        existing, address = args.get("instance_id"), args["address"]
        ssh_host: pulumi.Input[str] = args.get("ssh_host") or address
        if existing:
            return Master(args["name"], address, existing, _output(ssh_host), None)
        instance = self._instance(args)
        if self._args.get("public") and not args.get("ssh_host"):
            ssh_host = self._eip(args["name"], instance)
        return Master(args["name"], address, instance.id, _output(ssh_host), instance)

    def _instance(self, args: MasterArgs) -> ecs.Instance:
        shared, own = self._args, self._args.get("security_group_id")
        groups = [*([own] if own else []), *(self._args.get("security_group_ids") or [])]
        return ecs.Instance(
            f"{self._name}-{args['name']}",
            instance_name=args["name"],
            host_name=args["name"],
            image_id=shared.get("image_id"),
            instance_type=shared.get("instance_type", INSTANCE_TYPE),
            system_disk_category=shared.get("system_disk_category", "cloud_essd"),
            vswitch_id=shared.get("vswitch_id"),
            security_groups=groups or None,
            private_ip=args["address"],
            key_name=self._key.key_pair_name if self._key else None,
            user_data=shared.get("user_data") or None,
            # Said, so that one that was stopped behind the stack's back is started again.
            status="Running",
            tags=shared.get("tags"),
            # The address is the master's identity: the old instance must give it up first.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )

    def _eip(self, name: str, instance: ecs.Instance) -> pulumi.Output[str]:
        bandwidth = self._args.get("eip_bandwidth_mbps")
        return eip.associated(
            f"{self._name}-{name}-eip",
            {} if bandwidth is None else {"bandwidth_mbps": bandwidth},
            address_name=name,
            instance_id=instance.id,
            instance_type="EcsInstance",
            tags=self._args.get("tags"),
            parent=self,
        )


def _together(values: Sequence[pulumi.Input[str]]) -> pulumi.Output[list[str]]:
    return pulumi.Output.all(*values).apply(lambda all_: [str(one) for one in all_])


def _output(value: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.all(value).apply(lambda all_: str(all_[0]))
