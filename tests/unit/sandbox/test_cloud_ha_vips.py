"""HaVips: attachments, limits, the master, EIPs."""

from ipaddress import IPv4Address

import pytest

from tests.unit.sandbox.client import Client, Site
from tests.unit.sandbox.test_api_topology import wait_in_use

pytestmark = pytest.mark.unit

ADDRESS = IPv4Address("10.0.0.10")


@pytest.fixture
def site(client: Client) -> Site:
    return client.network()


@pytest.fixture
def vip(client: Client, site: Site) -> str:
    created: str = client.vpc("CreateHaVip", VSwitchId=site.vswitch, IpAddress=str(ADDRESS))["HaVipId"]
    return created


def attach(client: Client, vip: str, instance: str) -> str:
    code = client.answer("vpc", "AssociateHaVip", HaVipId=vip, InstanceId=instance).code
    wait_in_use(client, vip)
    return code


def claims(client: Client) -> set[str]:
    """Return the instances that may claim a HaVip."""
    return {port.instance_id for vpc in client.plane.topology.vpcs for port in vpc.ports if port.ha_vips}


def test_attaching_takes_effect_after_the_answer(client: Client, site: Site, vip: str) -> None:
    instance = client.run(site)
    assert client.ha_vip(vip)["Status"] == "Available"
    assert attach(client, vip, instance) == ""
    shown = client.ha_vip(vip)
    assert shown["Status"] == "InUse"
    assert shown["AssociatedInstances"] == {"associatedInstance": [instance]}
    assert shown["AssociatedInstanceType"] == "EcsInstance"
    assert claims(client) == {instance}
    assert attach(client, vip, instance) == "ResourceAlreadyAssociated"


def test_two_attachments_at_once(client: Client, site: Site, vip: str) -> None:
    first, second = client.run(site), client.run(site)
    for instance in (first, second):
        assert client.answer("vpc", "AssociateHaVip", HaVipId=vip, InstanceId=instance).code == ""
    wait_in_use(client, vip)
    assert claims(client) == {first, second}


def test_the_vswitch_must_be_the_same(client: Client, site: Site, vip: str) -> None:
    other = client.vpc("CreateVSwitch", VpcId=site.vpc, CidrBlock="10.0.1.0/24", ZoneId="cn-hangzhou-i")[
        "VSwitchId"
    ]
    instance = client.run(Site(site.vpc, other, site.group))
    assert attach(client, vip, instance) == "InvalidParameter.Mismatch"


def test_limits(client: Client, site: Site, vip: str) -> None:
    instances = [client.run(site) for _ in range(11)]
    for instance in instances[:10]:
        assert attach(client, vip, instance) == ""
    assert attach(client, vip, instances[10]) == "CountLimitExceeded.HaVipOnECSInstance"
    for _ in range(5):
        more = client.vpc("CreateHaVip", VSwitchId=site.vswitch)["HaVipId"]
        assert attach(client, more, instances[10]) == ""
    sixth = client.vpc("CreateHaVip", VSwitchId=site.vswitch)["HaVipId"]
    assert attach(client, sixth, instances[10]) == "CountLimitExceed.HaVipOnInstance"


def test_the_master_leaves_only_by_force(client: Client, site: Site, vip: str) -> None:
    master, backup = client.run(site), client.run(site)
    for instance in (master, backup):
        attach(client, vip, instance)
    client.plane.holders[ADDRESS] = master
    assert client.ha_vip(vip)["MasterInstanceId"] == master
    leave = {"HaVipId": vip, "InstanceId": master}
    assert client.answer("vpc", "UnassociateHaVip", leave).code == "Forbidden.UnassociateMaster"
    assert client.answer("vpc", "UnassociateHaVip", HaVipId=vip, InstanceId=backup).code == ""
    assert client.answer("vpc", "UnassociateHaVip", leave, Force="True").code == ""
    assert client.answer("vpc", "UnassociateHaVip", leave, Force="True").code == "ResourceNotAssociated"
    wait_in_use(client, vip)
    assert client.ha_vip(vip)["Status"] == "Available"
    assert client.ha_vip(vip)["MasterInstanceId"] == ""
    assert claims(client) == set()


def test_an_instance_must_be_steady(client: Client, site: Site, vip: str) -> None:
    client.plane.boots.clear()
    order = {"VSwitchId": site.vswitch, "SecurityGroupIds.1": site.group, "InstanceType": "ecs.g7.large"}
    image = next(iter(client.cloud.read(client.region).offer.images))
    instance = client.ecs("RunInstances", order, ImageId=image)["InstanceIdSets"]["InstanceIdSet"][0]
    assert attach(client, vip, instance) == "IncorrectInstanceStatus"
    eip = client.vpc("AllocateEipAddress")["AllocationId"]
    associate = {"AllocationId": eip, "InstanceId": instance}
    assert client.answer("vpc", "AssociateEipAddress", associate).code == "IncorrectInstanceStatus"
    client.plane.boots.set()
    client.cloud.settle(5)
    assert attach(client, vip, instance) == ""


def test_deletion_waits_for_attachments_and_eip(client: Client, site: Site, vip: str) -> None:
    instance = client.run(site)
    attach(client, vip, instance)
    eip = client.vpc("AllocateEipAddress")["AllocationId"]
    client.vpc("AssociateEipAddress", AllocationId=eip, InstanceId=vip, InstanceType="HaVip")
    assert (
        client.answer("vpc", "DeleteHaVip", HaVipId=vip).code == "DependencyViolation.HaVipAssociatedWithEIP"
    )
    client.vpc("UnassociateEipAddress", AllocationId=eip, InstanceId=vip, InstanceType="HaVip")
    assert client.answer("vpc", "DeleteHaVip", HaVipId=vip).code == "IncorrectStatus"
    client.vpc("UnassociateHaVip", HaVipId=vip, InstanceId=instance)
    assert client.answer("vpc", "DeleteHaVip", HaVipId=vip).code == ""
    assert not client.ha_vips(vip)
    assert client.answer("vpc", "DeleteHaVip", HaVipId=vip).code == "InvalidHaVipId.NotFound"


def test_releasing_an_instance_lets_go_of_everything(client: Client, site: Site, vip: str) -> None:
    instance = client.run(site)
    attach(client, vip, instance)
    eip = client.vpc("AllocateEipAddress")["AllocationId"]
    client.vpc("AssociateEipAddress", AllocationId=eip, InstanceId=instance)
    running = client.answer("ecs", "DeleteInstance", InstanceId=instance)
    assert (running.status, running.code) == (403, "IncorrectInstanceStatus")
    client.ecs("DeleteInstance", InstanceId=instance, Force="true")
    client.cloud.settle(5)
    assert not client.instances(instance)
    assert client.ha_vip(vip)["Status"] == "Available"
    assert not client.plane.topology.eips


def test_eips(client: Client, site: Site, vip: str) -> None:
    instance = client.run(site)
    addresses = [client.vpc("AllocateEipAddress", Bandwidth="10") for _ in range(6)]
    assert client.answer("vpc", "AllocateEipAddress").code == "QuotaExceeded.Eip"
    assert len({eip["EipAddress"] for eip in addresses}) == 6
    first, second = (eip["AllocationId"] for eip in addresses[:2])
    client.vpc("AssociateEipAddress", AllocationId=first, InstanceId=vip, InstanceType="HaVip")
    twice = {"AllocationId": second, "InstanceId": vip, "InstanceType": "HaVip"}
    assert client.answer("vpc", "AssociateEipAddress", twice).code == "InvalidAssociation.Duplicated"
    again = {"AllocationId": first, "InstanceId": instance}
    assert client.answer("vpc", "AssociateEipAddress", again).code == "IncorrectEipStatus"
    [shown] = client.vpc("DescribeEipAddresses", AllocationId=first)["EipAddresses"]["EipAddress"]
    assert (shown["Status"], shown["InstanceId"], shown["InstanceType"]) == ("InUse", vip, "HaVip")
    # Clients plan a replacement for values they did not give.
    assert (shown["PrivateIpAddress"], shown["VpcId"], shown["PublicIpAddressPoolId"]) == ("", "", "")
    assert client.answer("vpc", "ReleaseEipAddress", AllocationId=first).code == "IncorrectEipStatus"
    client.vpc("UnassociateEipAddress", AllocationId=first, InstanceId=vip, InstanceType="HaVip")
    client.vpc("ReleaseEipAddress", AllocationId=first)
    assert client.vpc("DescribeEipAddresses", AllocationId=first)["EipAddresses"] == {"EipAddress": []}
