"""Instances, security groups, key pairs and tags: each rule both ways, as the ECS API reference has them."""

import base64
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from tests.sdk import REGION, Refusal, refusal
from tests.unit.sandbox.client import PUBLIC_KEY
from tests.unit.sandbox.sdk.conftest import Account, make_group, make_vpc, make_vswitch

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"image_id": "windows"}, Refusal(404, "InvalidImageId.NotFound")),
        ({"instance_type": "ecs.huge"}, Refusal(400, "InvalidInstanceType.ValueNotSupported")),
        ({"v_switch_id": "vsw-none"}, Refusal(404, "InvalidVSwitchId.NotFound")),
        ({"security_group_ids": ["sg-none"]}, Refusal(404, "InvalidSecurityGroupId.NotFound")),
        ({"key_pair_name": "none"}, Refusal(404, "InvalidKeyPairName.NotFound")),
        ({"zone_id": "cn-hangzhou-h"}, Refusal(400, "InvalidParameter.Mismatch")),
        ({"private_ip_address": "10.0.0.254"}, Refusal(400, "InvalidPrivateIpAddress")),
        ({"private_ip_address": "10.0.1.1"}, Refusal(400, "InvalidPrivateIpAddress")),
        ({"private_ip_address": "ten"}, Refusal(400, "InvalidPrivateIpAddress.Malformed")),
        ({"private_ip_address": "10.0.0.11"}, Refusal(400, "InvalidIPAddress.AlreadyUsed")),
        ({"host_name": "-x"}, Refusal(400, "InvalidHostName.Malformed")),
        ({"user_data": "%"}, Refusal(400, "InvalidUserData.Base64FormatInvalid")),
        (
            {"user_data": base64.b64encode(b"x" * (32 * 1024 + 1)).decode()},
            Refusal(400, "InvalidUserData.SizeExceeded"),
        ),
    ],
)
def test_orders_that_are_refused(account: Account, more: dict[str, Any], expected: Refusal) -> None:
    account.run(private_ip_address="10.0.0.11")
    assert refusal(account.ecs.run_instances, account.order(**more)) == expected
    assert account.run(private_ip_address="10.0.0.12")


def test_the_states_of_an_instance(account: Account) -> None:
    instance = account.run()
    start = ecs.StartInstanceRequest(instance_id=instance)
    stop, reboot = (
        ecs.StopInstanceRequest(instance_id=instance),
        ecs.RebootInstanceRequest(instance_id=instance),
    )
    delete = ecs.DeleteInstanceRequest(instance_id=instance)
    wrong = Refusal(403, "IncorrectInstanceStatus")
    assert refusal(account.ecs.start_instance, start) == wrong
    assert refusal(account.ecs.delete_instance, delete) == wrong, "it runs, and Force is not given"
    account.ecs.reboot_instance(reboot)
    account.settle()
    account.ecs.stop_instance(stop)
    account.settle()
    assert refusal(account.ecs.stop_instance, stop) == wrong
    assert refusal(account.ecs.reboot_instance, reboot) == wrong
    account.ecs.start_instance(start)
    account.settle()
    account.ecs.stop_instance(stop)
    account.settle()
    account.ecs.delete_instance(delete)
    account.settle()
    assert refusal(account.ecs.stop_instance, stop) == Refusal(404, "InvalidInstanceId.NotFound")


def test_force_deletes_a_running_instance_at_once_or_after_a_shutdown(account: Account) -> None:
    at_once, orderly = account.run(), account.run()
    account.ecs.delete_instance(ecs.DeleteInstanceRequest(instance_id=at_once, force=True))
    account.ecs.delete_instance(ecs.DeleteInstanceRequest(instance_id=orderly, force=True, force_stop=False))
    account.settle()
    calls = account.server.plane.calls
    assert not any(call.startswith(f"stop {at_once}") for call in calls)
    at_orderly = [call for call in calls if orderly in call]
    assert at_orderly[-2:] == [f"stop {orderly} force=False", f"delete {orderly}"]


def test_the_status_of_many_at_once(account: Account) -> None:
    on, off = account.run(), account.run()
    account.ecs.stop_instance(ecs.StopInstanceRequest(instance_id=off))
    account.settle()
    asked = ecs.DescribeInstanceStatusRequest(region_id=REGION)
    shown = account.ecs.describe_instance_status(asked).body.instance_statuses.instance_status
    assert {one.instance_id: one.status for one in shown} == {on: "Running", off: "Stopped"}
    asked = ecs.DescribeInstanceStatusRequest(region_id=REGION, instance_id=[off])
    shown = account.ecs.describe_instance_status(asked).body.instance_statuses.instance_status
    assert [one.instance_id for one in shown] == [off]


@pytest.mark.parametrize("name", ["https://one", "x" * 129])
def test_names_that_are_refused(account: Account, name: str) -> None:
    wrong_name = Refusal(400, "InvalidInstanceName.Malformed")
    assert refusal(account.ecs.run_instances, account.order(instance_name=name)) == wrong_name
    instance = account.run(instance_name="x" * 128)
    change = ecs.ModifyInstanceAttributeRequest(instance_id=instance, instance_name=name)
    assert refusal(account.ecs.modify_instance_attribute, change) == wrong_name
    group = ecs.CreateSecurityGroupRequest(region_id=REGION, vpc_id=account.vpc_id, security_group_name=name)
    refused = refusal(account.ecs.create_security_group, group)
    assert refused == Refusal(400, "InvalidSecurityGroupName.Malformed")


def test_a_protected_instance_stays(account: Account) -> None:
    instance = account.run(deletion_protection=True)
    delete = ecs.DeleteInstanceRequest(instance_id=instance, force=True)
    refused = refusal(account.ecs.delete_instance, delete)
    assert refused == Refusal(403, "InvalidOperation.DeletionProtection")
    account.ecs.modify_instance_attribute(
        ecs.ModifyInstanceAttributeRequest(instance_id=instance, deletion_protection=False)
    )
    account.ecs.delete_instance(delete)


def rule(group: str, **more: Any) -> Any:
    """A request for an ingress rule."""
    wanted = {"ip_protocol": "TCP", "port_range": "22/22", "source_cidr_ip": "0.0.0.0/0", "priority": "1"}
    one = ecs.AuthorizeSecurityGroupRequestPermissions(**{**wanted, **more})
    return ecs.AuthorizeSecurityGroupRequest(region_id=REGION, security_group_id=group, permissions=[one])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"ip_protocol": "vrrp", "port_range": "-1/-1"}, Refusal(400, "InvalidIpProtocol.ValueNotSupported")),
        ({"port_range": "-1/-1"}, Refusal(400, "InvalidParam.PortRange")),
        ({"port_range": "1/65536"}, Refusal(400, "InvalidParam.PortRange")),
        ({"ip_protocol": "ALL"}, Refusal(400, "InvalidParam.PortRange")),
        ({"priority": "101"}, Refusal(400, "InvalidPriority.ValueNotSupported")),
        ({"policy": "reject"}, Refusal(400, "InvalidPolicy.Malformed")),
        ({"source_cidr_ip": "10.0.0.1/8"}, Refusal(400, "InvalidSourceCidrIp.Malformed")),
        ({"source_cidr_ip": None}, Refusal(400, "MissingParameter.Source")),
        ({"source_cidr_ip": None, "source_group_id": "sg-no"}, Refusal(404, "InvalidSourceGroupId.NotFound")),
    ],
)
def test_rules_that_are_refused(account: Account, more: dict[str, Any], expected: Refusal) -> None:
    assert refusal(account.ecs.authorize_security_group, rule(account.group_id, **more)) == expected
    account.ecs.authorize_security_group(rule(account.group_id))


def test_a_rule_names_another_group_of_the_same_vpc(account: Account) -> None:
    friend = make_group(account.ecs, account.vpc_id)
    foreigner = make_group(account.ecs, make_vpc(account.vpc, "10.1.0.0/16"))
    sources = {"source_cidr_ip": None}
    for named, expected in (
        (account.group_id, Refusal(403, "InvalidParamter.Conflict")),
        (foreigner, Refusal(400, "InvalidSourceGroupId.Mismatch")),
    ):
        request = rule(account.group_id, **sources, source_group_id=named)
        assert refusal(account.ecs.authorize_security_group, request) == expected
    account.ecs.authorize_security_group(rule(account.group_id, **sources, source_group_id=friend))
    delete = ecs.DeleteSecurityGroupRequest(region_id=REGION, security_group_id=friend)
    assert refusal(account.ecs.delete_security_group, delete) == Refusal(403, "DependencyViolation")
    named_friend = ecs.RevokeSecurityGroupRequestPermissions(
        ip_protocol="tcp", port_range="22/22", source_group_id=friend
    )
    account.ecs.revoke_security_group(
        ecs.RevokeSecurityGroupRequest(
            region_id=REGION, security_group_id=account.group_id, permissions=[named_friend]
        )
    )
    account.ecs.delete_security_group(delete)


def test_a_group_has_two_hundred_rules(account: Account) -> None:
    def many(first: int, number: int) -> Any:
        rules = [
            ecs.AuthorizeSecurityGroupRequestPermissions(
                ip_protocol="tcp", port_range=f"{port}/{port}", source_cidr_ip="0.0.0.0/0"
            )
            for port in range(first, first + number)
        ]
        return ecs.AuthorizeSecurityGroupRequest(
            region_id=REGION, security_group_id=account.group_id, permissions=rules
        )

    account.ecs.authorize_security_group(many(1, 100))
    account.ecs.authorize_security_group(many(101, 100))
    account.ecs.authorize_security_group(many(1, 1))
    full = refusal(account.ecs.authorize_security_group, many(201, 1))
    assert full == Refusal(403, "AuthorizationLimitExceed")


def test_memberships(account: Account) -> None:
    instance = account.run()
    groups = [account.group_id, *(make_group(account.ecs, account.vpc_id) for _ in range(5))]

    def join(group: str) -> Any:
        return ecs.JoinSecurityGroupRequest(instance_id=instance, security_group_id=group)

    def leave(group: str) -> Any:
        return ecs.LeaveSecurityGroupRequest(instance_id=instance, security_group_id=group)

    last = refusal(account.ecs.leave_security_group, leave(groups[0]))
    assert last == Refusal(403, "InstanceLastSecurityGroup")
    for group in groups[1:5]:
        account.ecs.join_security_group(join(group))
    sixth = refusal(account.ecs.join_security_group, join(groups[5]))
    assert sixth == Refusal(403, "InstanceSecurityGroupLimitExceeded")
    twice = refusal(account.ecs.join_security_group, join(groups[1]))
    assert twice == Refusal(403, "InvalidInstanceId.AlreadyExists")
    account.ecs.leave_security_group(leave(groups[1]))
    never = refusal(account.ecs.leave_security_group, leave(groups[1]))
    assert never == Refusal(403, "InstanceNotInSecurityGroup")
    foreigner = make_group(account.ecs, make_vpc(account.vpc, "10.1.0.0/16"))
    foreign = refusal(account.ecs.join_security_group, join(foreigner))
    assert foreign == Refusal(400, "InvalidInstanceId.Mismatch")
    used = ecs.DeleteSecurityGroupRequest(region_id=REGION, security_group_id=groups[0])
    assert refusal(account.ecs.delete_security_group, used) == Refusal(403, "DependencyViolation")


def test_key_pairs(account: Account) -> None:
    take = ecs.ImportKeyPairRequest(region_id=REGION, key_pair_name="key", public_key_body=PUBLIC_KEY)
    account.ecs.import_key_pair(take)
    assert refusal(account.ecs.import_key_pair, take) == Refusal(400, "KeyPair.AlreadyExist")
    far = ecs.ImportKeyPairRequest(region_id="cn-beijing", key_pair_name="far", public_key_body=PUBLIC_KEY)
    account.ecs.import_key_pair(far)
    refused = refusal(account.ecs.run_instances, account.order(key_pair_name="far"))
    assert refused == Refusal(404, "InvalidKeyPairName.NotFound")
    instance = account.run(key_pair_name="key")
    delete = ecs.DeleteKeyPairsRequest(region_id=REGION, key_pair_names='["key"]')
    used = refusal(account.ecs.delete_key_pairs, delete)
    assert used == Refusal(400, "InvalidParameter.KeypairAlreadyAttachedInstance")
    account.ecs.detach_key_pair(
        ecs.DetachKeyPairRequest(region_id=REGION, key_pair_name="key", instance_ids=f'["{instance}"]')
    )
    account.ecs.delete_key_pairs(delete)


def test_tags(account: Account) -> None:
    def tagged(*keys: str) -> Any:
        tags = [ecs.TagResourcesRequestTag(key=key, value="v") for key in keys]
        return ecs.TagResourcesRequest(
            region_id=REGION, resource_type="securitygroup", resource_id=[account.group_id], tag=tags
        )

    assert refusal(account.ecs.tag_resources, tagged("acs:mine")) == Refusal(400, "InvalidTagKey.Malformed")
    account.ecs.tag_resources(tagged(*map(str, range(20))))
    assert refusal(account.ecs.tag_resources, tagged("one more")) == Refusal(400, "NumberExceed.Tags")
    listed = ecs.ListTagResourcesRequest(
        region_id=REGION, resource_type="securitygroup", resource_id=[account.group_id]
    )
    assert len(account.ecs.list_tag_resources(listed).body.tag_resources.tag_resource) == 20


def test_addresses_are_given_out_once(account: Account) -> None:
    small = make_vswitch(account.vpc, account.vpc_id, "10.0.1.0/29")
    for _ in range(4):
        account.run(v_switch_id=small)
    order = account.order(v_switch_id=small)
    assert refusal(account.ecs.run_instances, order) == Refusal(400, "InvalidVSwitchId.IpNotEnough")


def moved(instance: str, vswitch: str, address: str | None = None) -> Any:
    """A request for another address."""
    return ecs.ModifyInstanceVpcAttributeRequest(
        instance_id=instance, v_switch_id=vswitch, private_ip_address=address
    )


def test_a_stopped_instance_gets_another_address_once_between_two_starts(account: Account) -> None:
    instance = account.run(private_ip_address="10.0.0.11")
    account.run(private_ip_address="10.0.0.12")
    other_vpc = make_vswitch(account.vpc, make_vpc(account.vpc), "10.0.9.0/24")
    near = make_vswitch(account.vpc, account.vpc_id, "10.0.1.0/24")
    move = account.ecs.modify_instance_vpc_attribute
    running = refusal(move, moved(instance, account.vswitch_id, "10.0.0.21"))
    assert running == Refusal(400, "IncorrectInstanceStatus")
    account.ecs.stop_instance(ecs.StopInstanceRequest(instance_id=instance))
    account.settle()
    for vswitch, address, expected in [
        ("vsw-none", "10.0.0.21", Refusal(404, "InvalidVSwitchId.NotFound")),
        (other_vpc, "10.0.9.5", Refusal(404, "InvalidVSwitchId.NotFound")),
        (account.vswitch_id, "10.0.1.5", Refusal(400, "InvalidPrivateIpAddress.Mismatch")),
        (account.vswitch_id, "10.0.0.253", Refusal(400, "InvalidPrivateIpAddress.Mismatch")),
        (account.vswitch_id, "10.0.0.12", Refusal(400, "InvalidPrivateIpAddress.Duplicated")),
        (account.vswitch_id, "ten", Refusal(400, "InvalidPrivateIpAddress.Malformed")),
    ]:
        assert refusal(move, moved(instance, vswitch, address)) == expected
    move(moved(instance, account.vswitch_id, "10.0.0.21"))
    again = refusal(move, moved(instance, near, "10.0.1.5"))
    assert again == Refusal(400, "InvalidPrivateIp.Changing")
    for _ in range(2):
        account.ecs.start_instance(ecs.StartInstanceRequest(instance_id=instance))
        account.settle()
        account.ecs.stop_instance(ecs.StopInstanceRequest(instance_id=instance))
        account.settle()
    move(moved(instance, near, "10.0.1.5"))
    asked = ecs.DescribeInstancesRequest(region_id=REGION, private_ip_addresses='["10.0.1.5"]')
    [found] = account.ecs.describe_instances(asked).body.instances.instance
    assert (found.instance_id, found.vpc_attributes.v_switch_id) == (instance, near)


def test_an_instance_of_a_ha_vip_stays_in_its_vswitch(account: Account) -> None:
    instance = account.run()
    attached = vpc.AssociateHaVipRequest(
        region_id=REGION, ha_vip_id=account.ha_vip("10.0.0.10"), instance_id=instance
    )
    account.vpc.associate_ha_vip(attached)
    account.settle()
    account.ecs.stop_instance(ecs.StopInstanceRequest(instance_id=instance))
    account.settle()
    near = make_vswitch(account.vpc, account.vpc_id, "10.0.1.0/24")
    refused = refusal(account.ecs.modify_instance_vpc_attribute, moved(instance, near))
    assert refused == Refusal(400, "OperationDenied")
    account.ecs.modify_instance_vpc_attribute(moved(instance, account.vswitch_id, "10.0.0.30"))
