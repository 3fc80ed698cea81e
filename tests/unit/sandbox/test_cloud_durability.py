"""What survives: client tokens, crashes, restarts, a network that refuses, calls from many threads."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.cloud.cloud import Cloud
from sandbox.cloud.errors import ApiError
from sandbox.cloud.store import Store, StoreError
from sandbox.hosts.spec import HostState
from tests.unit.sandbox.client import IMAGE, PUBLIC_KEY, Client
from tests.unit.sandbox.conftest import KEY, OFFER
from tests.unit.sandbox.fake_plane import FakePlane

pytestmark = pytest.mark.unit


def restarted(state_file: Path, plane: FakePlane) -> Client:
    """Return a client of a second process on what ``kill -9`` of the first left."""
    copy = state_file.with_name("as-the-crash-left-it.json")
    copy.write_bytes(state_file.read_bytes())
    cloud = Cloud(Store(copy), plane, OFFER)
    cloud.start()
    cloud.settle(5)
    return Client(cloud, plane, KEY)


def test_a_client_token_makes_one_thing(client: Client) -> None:
    first = client.vpc("CreateVpc", CidrBlock="10.0.0.0/16", ClientToken="t1")
    again = client.vpc("CreateVpc", CidrBlock="10.0.0.0/16", ClientToken="t1")
    assert first["VpcId"] == again["VpcId"]
    assert first["RequestId"] != again["RequestId"]
    other = client.answer("vpc", "CreateVpc", CidrBlock="10.1.0.0/16", ClientToken="t1")
    assert other.code == "IdempotentParameterMismatch"
    assert client.ecs("CreateSecurityGroup", VpcId=first["VpcId"], ClientToken="t1")["SecurityGroupId"]
    assert client.vpc("DescribeVpcs")["TotalCount"] == 1


def test_a_failed_call_uses_no_token_up(client: Client) -> None:
    site = client.network()
    instance = client.run(site, "10.0.0.11")
    vip = {"VSwitchId": site.vswitch, "IpAddress": "10.0.0.11", "ClientToken": "t"}
    assert client.answer("vpc", "CreateHaVip", vip).code == "InvalidIPAddress.AlreadyUsed"
    client.ecs("DeleteInstance", InstanceId=instance, Force="true")
    client.cloud.settle(5)
    assert client.answer("vpc", "CreateHaVip", vip).code == ""


def test_a_restart_forgets_nothing(client: Client, state_file: Path, plane: FakePlane) -> None:
    site = client.network()
    instance = client.run(site, "10.0.0.11")
    vip = client.vpc("CreateHaVip", VSwitchId=site.vswitch, IpAddress="10.0.0.10")["HaVipId"]
    client.vpc("AssociateHaVip", HaVipId=vip, InstanceId=instance)
    fresh = FakePlane(hosts=plane.hosts, specs=plane.specs)
    second = restarted(state_file, fresh)
    assert second.ha_vip(vip)["Status"] == "InUse"
    assert second.instance(instance)["Status"] == "Running"
    assert fresh.topology.vpcs[0].ports[0].ha_vips == (IPv4Address("10.0.0.10"),)
    assert not any(call.startswith(("create", "start", "delete")) for call in fresh.calls)


def test_hosts_come_up_after_a_reboot_of_the_machine(
    client: Client, state_file: Path, plane: FakePlane
) -> None:
    site = client.network()
    running, stopped = client.run(site), client.run(site)
    client.ecs("StopInstance", InstanceId=stopped)
    client.cloud.settle(5)
    rebooted = FakePlane(hosts=dict.fromkeys(plane.hosts, HostState.STOPPED), specs=plane.specs)
    second = restarted(state_file, rebooted)
    assert second.instance(running)["Status"] == "Running"
    assert second.instance(stopped)["Status"] == "Stopped"


def test_work_cut_off_is_taken_up(client: Client, state_file: Path, plane: FakePlane) -> None:
    site = client.network()
    plane.boots.clear()
    order = {"VSwitchId": site.vswitch, "SecurityGroupIds.1": site.group, "ImageId": IMAGE}
    made = client.ecs("RunInstances", order, InstanceType="ecs.g7.large")["InstanceIdSets"]["InstanceIdSet"][
        0
    ]
    state = json.loads(state_file.read_text())
    state["instances"][made]["phase"] = "creating"
    crashed = state_file.with_name("crashed.json")
    crashed.write_text(json.dumps(state))
    second = restarted(crashed, FakePlane())
    assert second.instance(made)["Status"] == "Running"

    state["instances"][made] |= {"phase": "placed", "powered": False}
    crashed.write_text(json.dumps(state))
    still_on = FakePlane(hosts={made: HostState.RUNNING})
    restarted(crashed, still_on)
    assert still_on.hosts[made] is HostState.STOPPED

    state["instances"][made]["phase"] = "releasing"
    crashed.write_text(json.dumps(state))
    other = FakePlane(hosts={made: HostState.RUNNING})
    third = restarted(crashed, other)
    assert not third.instances(made)
    assert not other.hosts
    assert not other.topology.vpcs[0].ports


def test_a_state_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text('{"vpcs": {}, "surprise": 1}')
    with pytest.raises(StoreError, match="surprise"):
        Store(file).load()


def test_a_crash_while_writing_leaves_the_old_state(client: Client, state_file: Path) -> None:
    client.network()
    state_file.with_name(state_file.name + ".new").write_text('{"vpcs": {"hal')
    assert len(Store(state_file).load().vpcs) == 1


def test_a_change_the_network_refuses_did_not_happen(client: Client, plane: FakePlane) -> None:
    client.network()
    plane.broken.add("apply")
    assert client.answer("vpc", "CreateVpc", CidrBlock="192.168.0.0/16").code == "SandboxFailure"
    plane.broken.clear()
    assert client.vpc("DescribeVpcs")["TotalCount"] == 1
    client.vpc("CreateVpc", CidrBlock="192.168.0.0/16")
    assert len(plane.topology.vpcs) == 2


def test_a_host_that_cannot_be_made_says_so(client: Client, plane: FakePlane) -> None:
    site = client.network()
    plane.broken.add("create")
    instance = client.run(site)
    assert client.instance(instance)["Status"] == "Failed"
    assert "create is broken" in client.cloud.read(client.region).instance(instance).failure
    client.ecs("DeleteInstance", InstanceId=instance, Force="true")
    client.cloud.settle(5)
    assert not client.instances(instance)


def test_a_host_that_does_not_boot_says_so_and_may_be_tried_again(client: Client, plane: FakePlane) -> None:
    site = client.network()
    plane.broken.add("start")
    instance = client.run(site)
    assert client.instance(instance)["Status"] == "Failed"
    assert client.cloud.read(client.region).instance(instance).failure == "create: start is broken"
    plane.broken.clear()
    client.ecs("StartInstance", InstanceId=instance)
    client.cloud.settle(5)
    assert client.instance(instance)["Status"] == "Running"
    plane.hosts[instance] = HostState.STOPPED
    assert client.instance(instance)["Status"] == "Stopped", "it switched itself off, which is no failure"
    plane.broken.add("start")
    client.ecs("StartInstance", InstanceId=instance)
    client.cloud.settle(5)
    assert client.instance(instance)["Status"] == "Failed"
    client.ecs("DeleteInstance", InstanceId=instance)
    client.cloud.settle(5)
    assert not client.instances(instance)


def test_a_host_that_died_is_started_anew_and_one_that_was_stopped_is_not(
    client: Client, plane: FakePlane
) -> None:
    site = client.network()
    died, stopped, broken = client.run(site), client.run(site), client.run(site)
    client.ecs("StopInstance", InstanceId=stopped)
    client.cloud.settle(5)
    plane.broken.add("start")
    client.ecs("StopInstance", InstanceId=broken)
    client.cloud.settle(5)
    client.ecs("StartInstance", InstanceId=broken)
    client.cloud.settle(5)
    plane.broken.clear()
    plane.dead |= {died, stopped, broken}
    plane.hosts |= dict.fromkeys(plane.dead, HostState.STOPPED)
    before = len(plane.calls)
    client.cloud.tend()
    client.cloud.settle(5)
    assert plane.calls[before:] == [], "it may be about to start"
    client.cloud.tend()
    client.cloud.settle(5)
    assert plane.calls[before:] == [f"create {died}", f"start {died}"]
    assert client.instance(died)["Status"] == "Running"


def test_the_status_follows_the_host(client: Client, plane: FakePlane) -> None:
    site = client.network()
    instance = client.run(site)
    assert client.answer("ecs", "StartInstance", InstanceId=instance).code == "IncorrectInstanceStatus"
    client.ecs("StopInstance", InstanceId=instance, ForceStop="true")
    client.cloud.settle(5)
    assert client.instance(instance)["Status"] == "Stopped"
    assert f"stop {instance} force=True" in plane.calls
    client.ecs("StartInstance", InstanceId=instance)
    client.cloud.settle(5)
    client.ecs("RebootInstance", InstanceId=instance)
    client.cloud.settle(5)
    plane.hosts[instance] = HostState.STOPPED  # shut down from the inside
    assert client.instance(instance)["Status"] == "Stopped"


def test_a_new_key_pair_reaches_the_host_at_its_next_boot(client: Client, plane: FakePlane) -> None:
    site = client.network()
    instance = client.run(site)
    client.ecs("ImportKeyPair", KeyPairName="key", PublicKeyBody=PUBLIC_KEY)
    client.ecs("AttachKeyPair", KeyPairName="key", InstanceIds=json.dumps([instance]))
    assert plane.specs[instance].authorized_keys == ()
    client.ecs("RebootInstance", InstanceId=instance, ForceStop="true")
    client.cloud.settle(5)
    assert plane.specs[instance].authorized_keys == (PUBLIC_KEY,)


def test_booting_blocks_nobody(client: Client, plane: FakePlane) -> None:
    site = client.network()
    plane.boots.clear()
    order = {"VSwitchId": site.vswitch, "SecurityGroupIds.1": site.group, "ImageId": IMAGE}
    made = client.ecs("RunInstances", order, InstanceType="ecs.g7.large")["InstanceIdSets"]["InstanceIdSet"][
        0
    ]
    client.vpc("CreateVpc", CidrBlock="192.168.0.0/16")
    assert client.instance(made)["Status"] in ("Pending", "Starting")
    plane.boots.set()
    client.cloud.settle(5)
    assert client.instance(made)["Status"] == "Running"


def test_many_calls_at_once(client: Client) -> None:
    site = client.network()

    def make(_: int) -> str:
        return str(client.vpc("CreateHaVip", VSwitchId=site.vswitch)["IpAddress"])

    with ThreadPoolExecutor(8) as pool:
        addresses = list(pool.map(make, range(40)))
    assert len(set(addresses)) == 40


def test_a_regions_things_are_not_seen_in_another(client: Client) -> None:
    site = client.network()
    client.region = "cn-beijing"
    assert client.vpc("DescribeVpcs")["TotalCount"] == 0
    assert client.answer("vpc", "DeleteVpc", VpcId=site.vpc).status == 404


def test_errors_leave_no_trace(client: Client, state_file: Path) -> None:
    before = state_file.read_text()
    with suppress(ApiError), client.cloud.change(client.region) as session:
        session.state.vpcs.clear()
        session.vpc("vpc-none")
    assert state_file.read_text() == before
