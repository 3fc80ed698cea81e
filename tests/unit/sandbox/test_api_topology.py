"""The dev stack's whole topology through the API, made and removed, with what the data plane is told."""

import base64
import time
from ipaddress import IPv4Address

import pytest

from tests.unit.sandbox.client import PUBLIC_KEY, Client

pytestmark = pytest.mark.unit


def wait_in_use(client: Client, vip: str) -> None:
    deadline = time.monotonic() + 5
    while client.ha_vip(vip)["Status"] not in ("InUse", "Available"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_dev_stack_comes_and_goes(client: Client) -> None:
    site = client.network()
    rule = {"IpProtocol": "tcp", "PortRange": "22/22", "SourceCidrIp": "0.0.0.0/0"}
    client.ecs(
        "AuthorizeSecurityGroup",
        {"SecurityGroupId": site.group, **{f"Permissions.1.{name}": value for name, value in rule.items()}},
    )
    client.ecs("ImportKeyPair", KeyPairName="key", PublicKeyBody=PUBLIC_KEY)
    data = base64.b64encode(b"#!/bin/sh\n").decode()
    masters = [
        client.run(
            site, f"10.0.0.{11 + number}", HostName=f"master{number}", KeyPairName="key", UserData=data
        )
        for number in range(3)
    ]
    vip = client.vpc("CreateHaVip", VSwitchId=site.vswitch, IpAddress="10.0.0.10")["HaVipId"]
    for master in masters[:2]:
        client.vpc("AssociateHaVip", HaVipId=vip, InstanceId=master)
        wait_in_use(client, vip)
    eip = client.vpc("AllocateEipAddress", InstanceId="", Bandwidth="5")["AllocationId"]
    client.vpc("AssociateEipAddress", AllocationId=eip, InstanceId=vip, InstanceType="HaVip")

    [vpc] = client.plane.topology.vpcs
    assert {port.instance_id: port.ha_vips for port in vpc.ports} == {
        masters[0]: (IPv4Address("10.0.0.10"),),
        masters[1]: (IPv4Address("10.0.0.10"),),
        masters[2]: (),
    }
    [forward] = client.plane.topology.eips
    assert (forward.target, forward.vpc_id) == (IPv4Address("10.0.0.10"), site.vpc)
    spec = client.plane.specs[masters[0]]
    assert (spec.hostname, spec.user_data, spec.authorized_keys) == ("master0", b"#!/bin/sh\n", (PUBLIC_KEY,))
    assert (spec.gateway, spec.prefix) == (IPv4Address("10.0.0.253"), 24)
    assert {client.instance(master)["Status"] for master in masters} == {"Running"}

    client.vpc("UnassociateEipAddress", AllocationId=eip, InstanceId=vip, InstanceType="HaVip")
    client.vpc("ReleaseEipAddress", AllocationId=eip)
    for master in masters[:2]:
        client.vpc("UnassociateHaVip", HaVipId=vip, InstanceId=master)
    client.vpc("DeleteHaVip", HaVipId=vip)
    for master in masters:
        client.ecs("DeleteInstance", InstanceId=master, Force="true")
    client.cloud.settle(10)
    client.ecs("DeleteKeyPairs", KeyPairNames='["key"]')
    client.ecs("DeleteSecurityGroup", SecurityGroupId=site.group)
    client.vpc("DeleteVSwitch", VSwitchId=site.vswitch)
    client.vpc("DeleteVpc", VpcId=site.vpc)
    assert not client.plane.topology.vpcs
    assert not client.plane.topology.eips
    assert not client.plane.hosts
