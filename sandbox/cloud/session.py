"""What one call works with: a snapshot to read, or a draft that becomes the state when the call succeeds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from sandbox.cloud import errors
from sandbox.cloud.catalogue import REGIONS, Image
from sandbox.cloud.dataplane import DataPlane
from sandbox.cloud.state import Eip, HaVip, Instance, KeyPair, Resource, SecurityGroup, State, Vpc, VSwitch
from sandbox.cloud.transitions import InstanceStatus, Work, instance_status

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class Limits:
    """Quotas an account has without asking for more.

    Sources: VPC documentation "HaVip" and "Quotas", EIP documentation "Limits", ECS documentation "Security group
    limits" and "Tags".
    """

    instances_per_ha_vip: int = 10
    ha_vips_per_instance: int = 5
    ha_vips: int = 50
    vpcs: int = 10
    """In a region."""
    vswitches: int = 150
    """In a VPC."""
    eips: int = 20
    rules: int = 200
    """In a security group, both directions together."""
    groups_per_instance: int = 5
    tags: int = 20
    user_data: int = 32 * 1024
    """Bytes before base64."""


@dataclass(frozen=True)
class Offer:
    """What this cloud has to give."""

    images: Mapping[str, Image]
    eip_range: IPv4Network
    endpoint: str
    """``HOST:PORT`` of the API."""
    with_hosts: bool = True
    """Whether something is behind its instances, for people to know."""
    limits: Limits = field(default_factory=Limits)


@dataclass
class Session:
    """One call in one region."""

    state: State
    plane: DataPlane
    offer: Offer
    under_way: Callable[[str], Work | None]
    """The work going on at a host."""
    region: str
    """As the call gave it. Empty: what it names by id may be anywhere, and what it makes or lists is at ``home``."""
    work: list[tuple[str, Work]] = field(default_factory=list)
    """What is to be done at which host once the draft is the state."""

    @property
    def home(self) -> str:
        """The region of what a call makes or lists."""
        return self.region or REGIONS[0]

    def vpc(self, identifier: str) -> Vpc:
        """Return the VPC, or raise InvalidVpcIdNotFound."""
        return self._find(self.state.vpcs, identifier, errors.vpc.InvalidVpcIdNotFound)

    def vswitch(self, identifier: str) -> VSwitch:
        """Return the vSwitch, or raise InvalidVSwitchIdNotFound."""
        return self._find(self.state.vswitches, identifier, errors.vpc.InvalidVSwitchIdNotFound)

    def ha_vip(self, identifier: str) -> HaVip:
        """Return the HaVip, or raise InvalidHaVipIdNotFound."""
        return self._find(self.state.ha_vips, identifier, errors.vpc.InvalidHaVipIdNotFound)

    def security_group(self, identifier: str) -> SecurityGroup:
        """Return the security group, or raise InvalidSecurityGroupIdNotFound."""
        return self._find(self.state.security_groups, identifier, errors.ecs.InvalidSecurityGroupIdNotFound)

    def instance(self, identifier: str) -> Instance:
        """Return the instance, or raise InvalidInstanceIdNotFound."""
        return self._find(self.state.instances, identifier, errors.ecs.InvalidInstanceIdNotFound)

    def key_pair(self, name: str) -> KeyPair:
        """Return the key pair, or raise InvalidKeyPairNotFound."""
        return self._find(self.state.key_pairs, name, errors.ecs.InvalidKeyPairNotFound)

    def eip(self, identifier: str) -> Eip:
        """Return the EIP, or raise InvalidAllocationIdNotFound."""
        return self._find(self.state.eips, identifier, errors.vpc.InvalidAllocationIdNotFound)

    def _find(self, table: dict[str, R], identifier: str, missing: type[errors.ApiError]) -> R:
        found = table.get(identifier)
        if found is None or self.region not in ("", found.region):
            raise missing(identifier)
        return found

    def here(self, table: dict[str, R]) -> list[R]:
        """Return this region's resources of a table in a stable order, oldest first."""
        local = (resource for resource in table.values() if resource.region == self.home)
        return sorted(local, key=lambda resource: (resource.created, resource.id))

    def status(self, instance: Instance) -> InstanceStatus:
        """Return an instance's status as it is now, from its host."""
        return instance_status(instance, self.plane.state(instance.id), self.under_way(instance.id))

    def require_status(
        self,
        instance: Instance,
        *allowed: InstanceStatus,
        error: type[errors.ApiError] = errors.ecs.IncorrectInstanceStatus,
    ) -> None:
        """Raise ``error`` (ECS's, unless VPC is asked) unless the instance is in one of the ``allowed`` ones."""
        status = self.status(instance)
        if status not in allowed:
            wanted = " or ".join(one.value for one in allowed)
            raise error(instance.id, status.value, wanted)

    def later(self, instance: Instance, work: Work) -> None:
        """Have ``work`` done at the instance's host after this call."""
        self.work.append((instance.id, work))

    def addresses(self, vswitch: VSwitch) -> dict[IPv4Address, str]:
        """Return who has which address of a vSwitch."""
        owners: list[Instance | HaVip] = [*self.state.instances.values(), *self.state.ha_vips.values()]
        return {owner.address: owner.id for owner in owners if owner.vswitch_id == vswitch.id}
