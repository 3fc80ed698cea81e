"""Changes of an instance that stays the same one: each rule both ways, as the ECS API reference has them."""

import base64
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs

from sandbox.hosts.spec import HostState
from sandbox.hosts.user_data import SERVED
from tests.sdk import REGION, Refusal, refusal
from tests.unit.sandbox.client import IMAGE, PUBLIC_KEY
from tests.unit.sandbox.sdk.conftest import Account, make_group, make_vpc

pytestmark = pytest.mark.unit

WRONG_STATE = Refusal(403, "IncorrectInstanceStatus")


def encoded(text: str) -> str:
    """User data as it travels."""
    return base64.b64encode(text.encode()).decode()


def change(instance: str, **more: Any) -> Any:
    """A request to change an instance."""
    return ecs.ModifyInstanceAttributeRequest(instance_id=instance, **more)


def power(account: Account, instance: str, *, on: bool) -> None:
    """Switch an instance on or off."""
    if on:
        account.ecs.start_instance(ecs.StartInstanceRequest(instance_id=instance))
    else:
        account.ecs.stop_instance(ecs.StopInstanceRequest(instance_id=instance))
    account.settle()


def shown(account: Account, instance: str) -> Any:
    """The instance as DescribeInstances shows it."""
    request = ecs.DescribeInstancesRequest(region_id=REGION, instance_ids=f'["{instance}"]')
    return account.ecs.describe_instances(request).body.instances.instance[0]


def user_data(account: Account, instance: str) -> str:
    """The instance's user data, as it travels."""
    request = ecs.DescribeUserDataRequest(region_id=REGION, instance_id=instance)
    text: str = account.ecs.describe_user_data(request).body.user_data
    return text


def test_user_data_is_changed_whatever_the_state_and_counts_from_the_next_boot(account: Account) -> None:
    """As the provider does it: it changes a running instance, then stops and starts it."""
    first, second, third = map(encoded, ("#!/bin/sh\n:", "#!/bin/sh\ntrue", "#cloud-config\nbootcmd: [ls]"))
    instance = account.run(user_data=first)
    account.ecs.modify_instance_attribute(change(instance, user_data=second))
    assert user_data(account, instance) == second
    assert account.server.plane.specs[instance].user_data == b"#!/bin/sh\n:", "the host has not booted since"
    power(account, instance, on=False)
    power(account, instance, on=True)
    assert account.server.plane.specs[instance].user_data == b"#!/bin/sh\ntrue"
    power(account, instance, on=False)
    account.ecs.modify_instance_attribute(change(instance, user_data=third))
    power(account, instance, on=True)
    assert account.server.plane.specs[instance].user_data == b"#cloud-config\nbootcmd: [ls]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%", Refusal(400, "InvalidUserData.Base64FormatInvalid")),
        (encoded("x" * (32 * 1024 + 1)), Refusal(400, "InvalidUserData.SizeExceeded")),
        (encoded("#cloud-config\nunicorns: 1"), Refusal(400, "InvalidUserData.NotServed")),
    ],
)
def test_user_data_that_is_refused(account: Account, text: str, expected: Refusal) -> None:
    assert "unicorns" not in SERVED
    before = encoded("x" * 32 * 1024)
    instance = account.run(user_data=before)
    refused = refusal(account.ecs.modify_instance_attribute, change(instance, user_data=text))
    assert refused == expected
    assert user_data(account, instance) == before


def test_a_host_is_renamed_at_its_next_boot_through_the_api(account: Account) -> None:
    instance = account.run(host_name="old")
    wrong = change(instance, host_name="-new")
    refused = refusal(account.ecs.modify_instance_attribute, wrong)
    assert refused == Refusal(400, "InvalidHostName.Malformed")
    account.ecs.modify_instance_attribute(change(instance, host_name="new"))
    assert account.server.plane.specs[instance].hostname == "old"
    account.ecs.reboot_instance(ecs.RebootInstanceRequest(instance_id=instance))
    account.settle()
    assert account.server.plane.specs[instance].hostname == "new"
    power(account, instance, on=False)
    account.server.plane.boots.clear()
    account.ecs.start_instance(ecs.StartInstanceRequest(instance_id=instance))
    early = refusal(account.ecs.modify_instance_attribute, change(instance, host_name="newest"))
    account.server.plane.boots.set()
    assert early == WRONG_STATE


def test_groups_are_replaced_as_a_whole(account: Account) -> None:
    instance = account.run()
    groups = [make_group(account.ecs, account.vpc_id) for _ in range(6)]
    account.ecs.modify_instance_attribute(change(instance, security_group_ids=groups[:5]))
    assert sorted(shown(account, instance).security_group_ids.security_group_id) == sorted(groups[:5])
    foreigner = make_group(account.ecs, make_vpc(account.vpc, "10.1.0.0/16"))
    for wanted, expected in (
        (groups, Refusal(403, "InstanceSecurityGroupLimitExceeded")),
        ([foreigner], Refusal(400, "InvalidParameter.Mismatch")),
        (["sg-none"], Refusal(404, "InvalidSecurityGroupId.NotFound")),
    ):
        request = change(instance, security_group_ids=wanted)
        assert refusal(account.ecs.modify_instance_attribute, request) == expected


def test_a_stopped_instance_changes_its_type(account: Account) -> None:
    instance = account.run(instance_type="ecs.g7.large")
    resize = ecs.ModifyInstanceSpecRequest(instance_id=instance, instance_type="ecs.g7.xlarge")
    assert refusal(account.ecs.modify_instance_spec, resize) == WRONG_STATE
    power(account, instance, on=False)
    huge = ecs.ModifyInstanceSpecRequest(instance_id=instance, instance_type="ecs.huge")
    refused = refusal(account.ecs.modify_instance_spec, huge)
    assert refused == Refusal(400, "InvalidInstanceType.ValueNotSupported")
    account.ecs.modify_instance_spec(resize)
    assert shown(account, instance).instance_type == "ecs.g7.xlarge"
    power(account, instance, on=True)
    assert account.server.plane.specs[instance].cores == 4


def test_a_stopped_instance_gets_a_new_disk(account: Account) -> None:
    take = ecs.ImportKeyPairRequest(region_id=REGION, key_pair_name="key", public_key_body=PUBLIC_KEY)
    account.ecs.import_key_pair(take)
    instance = account.run(key_pair_name="key")
    replace = ecs.ReplaceSystemDiskRequest(instance_id=instance, image_id=IMAGE)
    assert refusal(account.ecs.replace_system_disk, replace) == WRONG_STATE
    power(account, instance, on=False)
    windows = ecs.ReplaceSystemDiskRequest(instance_id=instance, image_id="windows")
    refused = refusal(account.ecs.replace_system_disk, windows)
    assert refused == Refusal(404, "InvalidImageId.NotFound")
    before = len(account.server.plane.calls)
    disk = account.ecs.replace_system_disk(replace).body.disk_id
    account.settle()
    assert [call for call in account.server.plane.calls[before:] if instance in call] == [
        f"delete {instance}",
        f"create {instance}",
    ]
    assert account.server.plane.hosts[instance] is HostState.STOPPED
    assert (shown(account, instance).status, shown(account, instance).key_pair_name) == ("Stopped", "")
    disks = account.ecs.describe_disks(ecs.DescribeDisksRequest(region_id=REGION, instance_id=instance))
    assert [one.disk_id for one in disks.body.disks.disk] == [disk]
    power(account, instance, on=True)
    assert shown(account, instance).status == "Running"


def test_a_dry_run_checks_everything_and_does_nothing(account: Account) -> None:
    passed = Refusal(400, "DryRunOperation")
    assert refusal(account.ecs.run_instances, account.order(dry_run=True)) == passed
    wrong = account.order(dry_run=True, image_id="windows")
    assert refusal(account.ecs.run_instances, wrong) == Refusal(404, "InvalidImageId.NotFound")
    listed = ecs.DescribeInstancesRequest(region_id=REGION)
    assert account.ecs.describe_instances(listed).body.total_count == 0
    instance = account.run()
    stop = ecs.StopInstanceRequest(instance_id=instance, dry_run=True)
    assert refusal(account.ecs.stop_instance, stop) == passed
    account.settle()
    assert shown(account, instance).status == "Running"
    start = ecs.StartInstanceRequest(instance_id=instance, dry_run=True)
    assert refusal(account.ecs.start_instance, start) == WRONG_STATE


def test_several_instances_are_made_at_consecutive_addresses_or_none_is(account: Account) -> None:
    order = account.order(amount=3, private_ip_address="10.0.0.20")
    made = account.ecs.run_instances(order).body.instance_id_sets.instance_id_set
    account.settle()
    addresses = [shown(account, one).vpc_attributes.private_ip_address.ip_address[0] for one in made]
    assert addresses == ["10.0.0.20", "10.0.0.21", "10.0.0.22"]
    disks = account.ecs.describe_disks(ecs.DescribeDisksRequest(region_id=REGION)).body.disks.disk
    assert len({disk.disk_id for disk in disks}) == 3
    clash = account.order(amount=3, private_ip_address="10.0.0.18")
    assert refusal(account.ecs.run_instances, clash) == Refusal(400, "InvalidIPAddress.AlreadyUsed")
    listed = ecs.DescribeInstancesRequest(region_id=REGION)
    assert account.ecs.describe_instances(listed).body.total_count == 3
    for amount in (0, 101):
        refused = refusal(account.ecs.run_instances, account.order(amount=amount))
        assert refused == Refusal(400, "InvalidParameter")


def test_many_instances_change_their_state_together_or_each_by_itself(account: Account) -> None:
    on, off = account.run(), account.run()
    power(account, off, on=False)
    both = {"region_id": REGION, "instance_id": [on, off]}
    stop = account.ecs.stop_instances
    assert refusal(stop, ecs.StopInstancesRequest(**both)) == WRONG_STATE, (
        "one of them is off: none is stopped"
    )
    account.settle()
    assert shown(account, on).status == "Running"
    each = ecs.StopInstancesRequest(**both, batch_optimization="SuccessFirst")
    told = {one.instance_id: one for one in stop(each).body.instance_responses.instance_response}
    account.settle()
    assert (told[on].code, told[on].previous_status, told[on].current_status) == (
        "200",
        "Running",
        "Stopping",
    )
    assert (told[off].code, told[off].current_status) == ("IncorrectInstanceStatus", "Stopped")
    assert shown(account, on).status == "Stopped"
    account.ecs.start_instances(ecs.StartInstancesRequest(**both))
    account.settle()
    account.ecs.reboot_instances(ecs.RebootInstancesRequest(**both, force_reboot=True))
    account.settle()
    assert {shown(account, one).status for one in (on, off)} == {"Running"}
    reboots = [call for call in account.server.plane.calls if call.startswith("reboot")]
    assert sorted(reboots) == sorted(f"reboot {one} force=True" for one in (on, off))


def test_many_instances_are_released_together_or_not_at_all(account: Account) -> None:
    one, protected = account.run(), account.run(deletion_protection=True)
    both = ecs.DeleteInstancesRequest(region_id=REGION, instance_id=[one, protected], force=True)
    refused = refusal(account.ecs.delete_instances, both)
    assert refused == Refusal(403, "InvalidOperation.DeletionProtection")
    account.settle()
    assert shown(account, one).status == "Running"
    account.ecs.modify_instance_attribute(change(protected, deletion_protection=False))
    account.ecs.delete_instances(both)
    account.settle()
    listed = ecs.DescribeInstancesRequest(region_id=REGION)
    assert account.ecs.describe_instances(listed).body.total_count == 0
