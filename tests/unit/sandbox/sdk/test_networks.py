"""VPCs, vSwitches, HaVips and EIPs: each rule both ways, with the status and code of the VPC API reference."""

import time
from ipaddress import IPv4Address
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from tests.sdk import REGION, Refusal, refusal
from tests.unit.sandbox.client import IMAGE
from tests.unit.sandbox.sdk.conftest import ZONE, Account, make_group, make_vpc, make_vswitch

pytestmark = pytest.mark.unit

VIP = "10.0.0.10"


def vswitch(account: Account, **more: Any) -> Any:
    """A request for a vSwitch."""
    wanted = {"region_id": REGION, "vpc_id": account.vpc_id, "cidr_block": "10.0.1.0/24", "zone_id": ZONE}
    return vpc.CreateVSwitchRequest(**{**wanted, **more})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"cidr_block": "10.0.0.128/25"}, Refusal(400, "InvalidCidrBlock.Overlapped")),
        ({"cidr_block": "10.0.0.0/16"}, Refusal(400, "InvalidCidrBlock.Overlapped")),
        ({"cidr_block": "10.1.0.0/24"}, Refusal(400, "InvalidParameter")),
        ({"cidr_block": "10.0.1.0/30"}, Refusal(400, "InvalidParameter")),
        ({"zone_id": "cn-beijing-h"}, Refusal(404, "InvalidZoneId.NotFound")),
        ({"vpc_id": "vpc-none"}, Refusal(404, "InvalidVpcId.NotFound")),
    ],
)
def test_vswitches_that_are_refused(account: Account, more: dict[str, str], expected: Refusal) -> None:
    assert refusal(account.vpc.create_vswitch, vswitch(account, **more)) == expected
    assert account.vpc.create_vswitch(vswitch(account)).body.v_switch_id


def test_names_and_descriptions_that_are_refused(account: Account) -> None:
    link, long = "http://one", "x" * 257
    made = account.vpc.create_vpc
    for named, code in (
        ({"vpc_name": link}, "InvalidVpcName.Malformed"),
        ({"vpc_name": "x" * 129}, "InvalidVpcName.Malformed"),
        ({"description": long}, "InvalidVpcDiscription.Malformed"),
    ):
        request = vpc.CreateVpcRequest(region_id=REGION, cidr_block="10.1.0.0/16", **named)
        assert refusal(made, request) == Refusal(400, code)
    assert made(vpc.CreateVpcRequest(region_id=REGION, vpc_name="x" * 128, description="x" * 256)).body.vpc_id
    for wrong, code in (
        (vswitch(account, v_switch_name=link), "InvalidVSwitchName.Malformed"),
        (vswitch(account, description=link), "InvalidVSwitchDiscription.Malformed"),
    ):
        assert refusal(account.vpc.create_vswitch, wrong) == Refusal(400, code)
    vip = account.ha_vip()
    rename = vpc.ModifyHaVipAttributeRequest(region_id=REGION, ha_vip_id=vip, name=link)
    assert refusal(account.vpc.modify_ha_vip_attribute, rename) == Refusal(400, "InvalidName.Malformed")
    eip = vpc.AllocateEipAddressRequest(region_id=REGION, description=long)
    refused = refusal(account.vpc.allocate_eip_address, eip)
    assert refused == Refusal(400, "InvalidDescription.Malformed")


def test_a_region_has_ten_vpcs(account: Account) -> None:
    for number in range(1, 10):
        make_vpc(account.vpc, f"10.{number}.0.0/16")
    more = vpc.CreateVpcRequest(region_id=REGION, cidr_block="192.168.0.0/16")
    assert refusal(account.vpc.create_vpc, more) == Refusal(400, "QuotaExceeded.Vpc")
    elsewhere = vpc.CreateVpcRequest(region_id="cn-beijing", cidr_block="192.168.0.0/16")
    assert account.vpc.create_vpc(elsewhere).body.vpc_id


def test_a_vpc_has_a_hundred_and_fifty_vswitches(account: Account) -> None:
    for number in range(1, 150):
        account.vpc.create_vswitch(vswitch(account, cidr_block=f"10.0.{number}.0/24"))
    full = refusal(account.vpc.create_vswitch, vswitch(account, cidr_block="10.0.150.0/24"))
    assert full == Refusal(400, "QuotaExceeded.VSwitch")
    elsewhere = make_vpc(account.vpc, "10.1.0.0/16")
    assert make_vswitch(account.vpc, elsewhere, "10.1.0.0/24")


def test_an_account_has_twenty_eips(account: Account) -> None:
    allocated = [account.eip() for _ in range(20)]
    one_more = vpc.AllocateEipAddressRequest(region_id=REGION)
    assert refusal(account.vpc.allocate_eip_address, one_more) == Refusal(400, "QuotaExceeded.Eip")
    account.vpc.release_eip_address(
        vpc.ReleaseEipAddressRequest(region_id=REGION, allocation_id=allocated[0])
    )
    assert account.eip()


def test_what_is_in_use_stays(account: Account) -> None:
    delete_vpc = vpc.DeleteVpcRequest(region_id=REGION, vpc_id=account.vpc_id)
    delete_vswitch = vpc.DeleteVSwitchRequest(region_id=REGION, v_switch_id=account.vswitch_id)
    vip, instance = account.ha_vip(), account.run()
    assert refusal(account.vpc.delete_vpc, delete_vpc) == Refusal(400, "DependencyViolation.VSwitch")
    assert refusal(account.vpc.delete_vswitch, delete_vswitch) == Refusal(400, "DependencyViolation.HaVip")
    account.vpc.delete_ha_vip(vpc.DeleteHaVipRequest(region_id=REGION, ha_vip_id=vip))
    assert refusal(account.vpc.delete_vswitch, delete_vswitch) == Refusal(400, "DependencyViolation")
    account.ecs.delete_instance(ecs.DeleteInstanceRequest(instance_id=instance, force=True))
    account.settle()
    account.vpc.delete_vswitch(delete_vswitch)
    assert refusal(account.vpc.delete_vpc, delete_vpc) == Refusal(400, "DependencyViolation.SecurityGroup")
    delete_group = ecs.DeleteSecurityGroupRequest(region_id=REGION, security_group_id=account.group_id)
    account.ecs.delete_security_group(delete_group)
    account.vpc.delete_vpc(delete_vpc)
    assert refusal(account.vpc.delete_vpc, delete_vpc) == Refusal(404, "InvalidVpcId.NotFound")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.0.0.0", "InvalidIPAddress.NotAvailable"),
        ("10.0.0.253", "InvalidIPAddress.NotAvailable"),
        ("10.0.0.254", "InvalidIPAddress.NotAvailable"),
        ("10.0.0.255", "InvalidIPAddress.NotAvailable"),
        ("10.0.1.10", "InvalidIPAddress.OutOfRange"),
        ("ten", "InvalidIPAddress.Malformed"),
        ("10.0.0.11", "InvalidIPAddress.AlreadyUsed"),
        (VIP, "InvalidIPAddress.AlreadyUsed"),
    ],
)
def test_addresses_a_ha_vip_cannot_have(account: Account, address: str, code: str) -> None:
    account.run(private_ip_address="10.0.0.11")
    account.ha_vip(VIP)
    request = vpc.CreateHaVipRequest(region_id=REGION, v_switch_id=account.vswitch_id, ip_address=address)
    assert refusal(account.vpc.create_ha_vip, request) == Refusal(400, code)
    assert account.ha_vip("10.0.0.252")


def test_an_account_has_fifty_ha_vips(account: Account) -> None:
    for _ in range(50):
        account.ha_vip()
    request = vpc.CreateHaVipRequest(region_id=REGION, v_switch_id=account.vswitch_id)
    assert refusal(account.vpc.create_ha_vip, request) == Refusal(400, "QuotaExceeded.HaVip")


def attachment(vip: str, instance: str, **more: Any) -> Any:
    """A request to attach an instance."""
    return vpc.AssociateHaVipRequest(region_id=REGION, ha_vip_id=vip, instance_id=instance, **more)


def detachment(vip: str, instance: str, **more: Any) -> Any:
    """A request to detach an instance."""
    return vpc.UnassociateHaVipRequest(region_id=REGION, ha_vip_id=vip, instance_id=instance, **more)


def attach(account: Account, vip: str, instance: str) -> None:
    """Attach an instance and wait for the HaVip to be in use."""
    account.vpc.associate_ha_vip(attachment(vip, instance))
    deadline = time.monotonic() + 10
    while account.shown_ha_vip(vip).status != "InUse":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_ten_instances_share_a_ha_vip_and_an_instance_has_five(account: Account) -> None:
    vip = account.ha_vip()
    instances = [account.run() for _ in range(11)]
    for instance in instances[:10]:
        attach(account, vip, instance)
    eleventh = refusal(account.vpc.associate_ha_vip, attachment(vip, instances[10]))
    assert eleventh == Refusal(400, "CountLimitExceeded.HaVipOnECSInstance")
    for _ in range(5):
        attach(account, account.ha_vip(), instances[10])
    sixth = refusal(account.vpc.associate_ha_vip, attachment(account.ha_vip(), instances[10]))
    assert sixth == Refusal(400, "CountLimitExceed.HaVipOnInstance")


def test_whom_a_ha_vip_takes(account: Account) -> None:
    vip, instance = account.ha_vip(VIP), account.run()
    other = make_vswitch(account.vpc, account.vpc_id, "10.0.1.0/24")
    stranger = account.run(v_switch_id=other)
    assert refusal(account.vpc.associate_ha_vip, attachment(vip, stranger)) == Refusal(
        400, "InvalidParameter.Mismatch"
    )
    interface = attachment(vip, "eni-1", instance_type="NetworkInterface")
    assert refusal(account.vpc.associate_ha_vip, interface).status == 400
    gone = refusal(account.vpc.associate_ha_vip, attachment(vip, "i-none"))
    assert gone == Refusal(404, "InvalidInstanceId.NotFound")
    attach(account, vip, instance)
    twice = refusal(account.vpc.associate_ha_vip, attachment(vip, instance))
    assert twice == Refusal(400, "ResourceAlreadyAssociated")


def test_the_master_leaves_by_force_only(account: Account) -> None:
    vip, master, backup = account.ha_vip(VIP), account.run(), account.run()
    for instance in (master, backup):
        attach(account, vip, instance)
    account.server.plane.holders[IPv4Address(VIP)] = master
    assert account.shown_ha_vip(vip).master_instance_id == master
    refused = refusal(account.vpc.unassociate_ha_vip, detachment(vip, master))
    assert refused == Refusal(400, "Forbidden.UnassociateMaster")
    account.vpc.unassociate_ha_vip(detachment(vip, backup))
    account.vpc.unassociate_ha_vip(detachment(vip, master, force="True"))
    again = refusal(account.vpc.unassociate_ha_vip, detachment(vip, master, force="True"))
    assert again == Refusal(400, "ResourceNotAssociated")
    account.vpc.delete_ha_vip(vpc.DeleteHaVipRequest(region_id=REGION, ha_vip_id=vip))


def test_a_ha_vip_in_use_stays(account: Account) -> None:
    vip, instance, eip = account.ha_vip(), account.run(), account.eip()
    attach(account, vip, instance)
    delete = vpc.DeleteHaVipRequest(region_id=REGION, ha_vip_id=vip)
    assert refusal(account.vpc.delete_ha_vip, delete) == Refusal(400, "IncorrectStatus")
    account.vpc.associate_eip_address(bound(eip, vip, "HaVip"))
    assert refusal(account.vpc.delete_ha_vip, delete).code == "DependencyViolation.HaVipAssociatedWithEIP"


def bound(eip: str, owner: str, kind: str = "EcsInstance", region: str | None = REGION) -> Any:
    """A request to lead an EIP somewhere."""
    return vpc.AssociateEipAddressRequest(
        region_id=region, allocation_id=eip, instance_id=owner, instance_type=kind
    )


def test_the_states_of_an_eip(account: Account) -> None:
    eip, other, vip, instance = account.eip(), account.eip(), account.ha_vip(), account.run()
    release = vpc.ReleaseEipAddressRequest(region_id=REGION, allocation_id=eip)
    end = vpc.UnassociateEipAddressRequest(region_id=REGION, allocation_id=eip)
    assert refusal(account.vpc.unassociate_eip_address, end) == Refusal(400, "IncorrectEipStatus")
    missing = refusal(account.vpc.associate_eip_address, bound(eip, "i-none"))
    assert missing == Refusal(404, "InvalidInstanId.NotFound")
    account.vpc.associate_eip_address(bound(eip, vip, "HaVip"))
    second = refusal(account.vpc.associate_eip_address, bound(other, vip, "HaVip"))
    assert second == Refusal(400, "InvalidAssociation.Duplicated")
    in_use = refusal(account.vpc.associate_eip_address, bound(eip, instance))
    assert in_use == Refusal(400, "IncorrectEipStatus")
    assert refusal(account.vpc.release_eip_address, release) == Refusal(400, "IncorrectEipStatus")
    account.vpc.unassociate_eip_address(end)
    account.vpc.release_eip_address(release)
    assert refusal(account.vpc.release_eip_address, release) == Refusal(404, "InvalidAllocationId.NotFound")


def test_a_protected_eip_stays(account: Account) -> None:
    eip = account.eip()
    release = vpc.ReleaseEipAddressRequest(region_id=REGION, allocation_id=eip)
    for protected in (True, False):
        account.vpc.deletion_protection(
            vpc.DeletionProtectionRequest(
                region_id=REGION, instance_id=eip, type="EIP", protection_enable=protected
            )
        )
        if protected:
            refused = refusal(account.vpc.release_eip_address, release)
            assert refused == Refusal(400, "InvalidOperation.DeletionProtection")
    account.vpc.release_eip_address(release)


def test_an_instance_that_changes_takes_no_eip_and_no_ha_vip(account: Account) -> None:
    account.server.plane.boots.clear()
    made = account.ecs.run_instances(account.order()).body.instance_id_sets.instance_id_set[0]
    eip, vip = account.eip(), account.ha_vip()
    refused = Refusal(400, "IncorrectInstanceStatus")
    assert refusal(account.vpc.associate_eip_address, bound(eip, made)) == refused
    assert refusal(account.vpc.associate_ha_vip, attachment(vip, made)) == refused
    account.server.plane.boots.set()
    account.settle()
    account.vpc.associate_eip_address(bound(eip, made))
    attach(account, vip, made)


def test_groups_stay_in_their_vpc(account: Account) -> None:
    elsewhere = make_group(account.ecs, make_vpc(account.vpc, "10.1.0.0/16"))
    order = account.order(security_group_ids=[elsewhere])
    assert refusal(account.ecs.run_instances, order) == Refusal(400, "InvalidParameter.Mismatch")


def test_what_is_listed_passes_every_filter(account: Account) -> None:
    """Each both ways: a value that fits, and one that does not."""
    instance, vip, other_group = account.run(), account.ha_vip(VIP), make_group(account.ecs, account.vpc_id)
    tag = {"key": "role", "value": "api"}
    order = vpc.AllocateEipAddressRequest(
        region_id=REGION, name="door", tag=[vpc.AllocateEipAddressRequestTag(**tag)]
    )
    eip = account.vpc.allocate_eip_address(order).body
    account.eip()
    account.vpc.associate_eip_address(bound(eip.allocation_id, instance))
    tagged = vpc.TagResourcesRequest(
        region_id=REGION, resource_type="HAVIP", resource_id=[vip], tag=[vpc.TagResourcesRequestTag(**tag)]
    )
    account.vpc.tag_resources(tagged)
    account.ha_vip()

    def instances(**wanted: str) -> list[str]:
        found = account.ecs.describe_instances(ecs.DescribeInstancesRequest(region_id=REGION, **wanted))
        return [one.instance_id for one in found.body.instances.instance]

    def eips(**wanted: Any) -> list[str]:
        found = account.vpc.describe_eip_addresses(
            vpc.DescribeEipAddressesRequest(region_id=REGION, **wanted)
        )
        return [one.allocation_id for one in found.body.eip_addresses.eip_address]

    def ha_vips(value: str) -> list[str]:
        wanted = [vpc.DescribeHaVipsRequestTags(key="role", value=value)]
        found = account.vpc.describe_ha_vips(vpc.DescribeHaVipsRequest(region_id=REGION, tags=wanted))
        return [one.ha_vip_id for one in found.body.ha_vips.ha_vip]

    def groups(ids: str) -> list[str]:
        request = ecs.DescribeSecurityGroupsRequest(region_id=REGION, security_group_ids=ids)
        found = account.ecs.describe_security_groups(request).body.security_groups.security_group
        return [one.security_group_id for one in found]

    assert instances(image_id=IMAGE) == instances(instance_type="ecs.g7.large") == [instance]
    assert instances(eip_addresses=f'["{eip.eip_address}"]') == [instance]
    for no in ({"image_id": "x"}, {"instance_type": "x"}, {"eip_addresses": '["127.0.0.1"]'}):
        assert instances(**no) == []
    role = [vpc.DescribeEipAddressesRequestTag(key="role", value="api")]
    assert eips(eip_name="door") == eips(tag=role) == [eip.allocation_id]
    assert len(eips(isp="BGP")) == 2
    assert eips(isp="BGP_PRO") == eips(eip_name="x") == []
    assert (ha_vips("api"), ha_vips("x")) == ([vip], [])
    assert groups(f'["{other_group}"]') == [other_group]
    assert groups('["sg-none"]') == []


def test_an_eip_leads_nowhere_outside_its_region(account: Account) -> None:
    instance, vip = account.run(), account.ha_vip()
    far = vpc.AllocateEipAddressRequest(region_id="cn-beijing")
    eip = account.vpc.allocate_eip_address(far).body.allocation_id
    refused = refusal(account.vpc.associate_eip_address, bound(eip, instance, region=None))
    assert refused == Refusal(404, "InvalidInstanId.NotFound")
    to_vip = bound(eip, vip, "HaVip", region=None)
    assert refusal(account.vpc.associate_eip_address, to_vip) == Refusal(404, "InvalidHaVipId.NotFound")
    account.vpc.associate_eip_address(bound(account.eip(), instance))
