"""``Network``: VPC, vSwitch and security group of a control plane; VPC and vSwitch may exist already."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
from pulumi_alicloud import ecs, vpc

from components import inputs, tokens
from components.planning.settings import PORT, VPC_CIDR, VSWITCH_CIDR
from components.rules import shapes
from components.rules.surroundings import check_network


class NetworkArgs(TypedDict):
    """Where the control plane lives and who gets in."""

    zone_id: NotRequired[pulumi.Input[str]]
    """Zone of the vSwitch to create, such as cn-hangzhou-i. Required unless ``vswitch_id`` is given."""
    vpc_cidr: NotRequired[pulumi.Input[str]]
    """CIDR of the VPC to create. Default: 10.0.0.0/16."""
    vswitch_cidr: NotRequired[pulumi.Input[str]]
    """CIDR of the vSwitch. Required with ``vswitch_id``. Default: 10.0.0.0/24."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """An existing VPC, with ``vswitch_id``."""
    vswitch_id: NotRequired[pulumi.Input[str]]
    """An existing vSwitch to use instead of creating VPC and vSwitch; with its CIDR and VPC."""
    ssh_cidrs: NotRequired[list[str]]
    """Who may reach SSH, besides the members themselves (CIDRs). Default: nobody."""
    api_cidrs: NotRequired[list[str]]
    """Who may reach the endpoint, besides the members themselves (CIDRs). Default: nobody."""
    api_port: NotRequired[pulumi.Input[int]]
    """TCP port of the endpoint. Default: 16443."""
    additional_api_ports: NotRequired[list[int]]
    """TCP ports on which ``api_cidrs`` may reach it as well (``additional_ports``). Default: none."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of every resource that can have them. Default: none."""


class Network(pulumi.ComponentResource):
    """One vSwitch, since a HaVip lives in one, and a group whose members reach each other.

    Security group rules cannot name VRRP (protocol 112): the members' inner access lets it pass.
    """

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    vswitch_id: pulumi.Output[str]
    """Id of the vSwitch."""
    vswitch_cidr: pulumi.Output[str]
    """CIDR of the vSwitch."""
    security_group_id: pulumi.Output[str]
    """Id of the security group, which lets nobody in from outside but those named."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Add the network `name`; ``pulumi.RunError`` names every rule that `args` breaks."""
        check_network(name, NetworkArgs, args)
        args = shapes.given(args)
        super().__init__(tokens.NETWORK, name, {}, opts)
        self._name, self._args = name, args
        self.vswitch_cidr = pulumi.Output.from_input(args.get("vswitch_cidr", VSWITCH_CIDR))
        existing, existing_vpc = args.get("vswitch_id"), args.get("vpc_id")
        if existing and existing_vpc:
            self.vswitch_id, self.vpc_id = (
                pulumi.Output.from_input(existing),
                pulumi.Output.from_input(existing_vpc),
            )
        else:
            self.vswitch_id, self.vpc_id = self._create()
        group = ecs.SecurityGroup(
            f"{name}-security-group",
            security_group_name=name,
            description=f"Control plane {name}",
            vpc_id=self.vpc_id,
            security_group_type="normal",
            inner_access_policy="Accept",
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.security_group_id = group.id
        self._let_in("ssh", args.get("ssh_cidrs", []), 22)
        for port in (args.get("api_port", PORT), *args.get("additional_api_ports", [])):
            # A rule is told by what it says: one that took over another's port would be deleted with that one.
            what = f"api-{int(port)}" if isinstance(port, int | float) else "api"
            self._let_in(what, args.get("api_cidrs", []), port)
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "vswitch_id": self.vswitch_id,
                "vswitch_cidr": self.vswitch_cidr,
                "security_group_id": self.security_group_id,
            }
        )

    @staticmethod
    def check(name: str, args: Mapping[str, object]) -> None:
        """Check arguments before anything is registered. Raises ``pulumi.RunError`` naming every rule broken."""
        check_network(name, NetworkArgs, args)

    def _create(self) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        opts, tags = pulumi.ResourceOptions(parent=self), self._args.get("tags")
        network = vpc.Network(
            f"{self._name}-vpc",
            vpc_name=self._name,
            cidr_block=self._args.get("vpc_cidr", VPC_CIDR),
            tags=tags,
            opts=opts,
        )
        vswitch = vpc.Switch(
            f"{self._name}-vswitch",
            vswitch_name=self._name,
            vpc_id=network.id,
            zone_id=self._args.get("zone_id"),
            cidr_block=self.vswitch_cidr,
            tags=tags,
            opts=opts,
        )
        return vswitch.id, network.id

    def _let_in(self, what: str, cidrs: list[str], port: pulumi.Input[int]) -> None:
        for cidr in cidrs:
            ecs.SecurityGroupRule(
                f"{self._name}-{what}-{cidr.replace('/', '-')}",
                security_group_id=self.security_group_id,
                type="ingress",
                ip_protocol="tcp",
                port_range=inputs.otherwise(port, PORT).apply(lambda known: f"{int(known)}/{int(known)}"),
                cidr_ip=cidr,
                policy="accept",
                priority=1,
                opts=pulumi.ResourceOptions(parent=self),
            )
