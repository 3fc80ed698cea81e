"""Every rule, both ways."""

from contextlib import nullcontext
from ipaddress import IPv4Address, IPv4Network

import pytest

from sandbox.cloud import rules
from sandbox.cloud.errors import ApiError
from tests.unit.sandbox.client import PUBLIC_KEY, CallError, Client

pytestmark = pytest.mark.unit


def code(
    client: Client, product: str, action: str, /, parameters: dict[str, str] | None = None, **more: str
) -> str:
    """Return the error code of a call, empty for a success."""
    return client.answer(product, action, parameters, **more).code


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        ("10.0.0.0/8", ""),
        ("10.0.0.0/16", ""),
        ("172.16.0.0/12", ""),
        ("192.168.1.0/28", ""),
        ("", ""),
        ("8.8.0.0/16", ""),
        ("10.0.0.0/29", "InvalidParameter"),
        ("10.0.0.0/7", "InvalidParameter"),
        ("100.64.1.0/24", "InvalidParameter"),
        ("100.0.0.0/8", "InvalidParameter"),
        ("127.0.0.0/16", "InvalidParameter"),
        ("169.254.0.0/16", "InvalidParameter"),
        ("239.0.0.0/16", "InvalidParameter"),
        ("10.0.0.1/16", "InvalidParameter"),
        ("10.0.0.0", "InvalidParameter"),
        ("10.0.0.0/255.255.0.0", "InvalidParameter"),
        ("10.0.0.0/0.0.255.255", "InvalidParameter"),
    ],
)
def test_vpc_ranges(client: Client, cidr: str, expected: str) -> None:
    assert code(client, "vpc", "CreateVpc", CidrBlock=cidr) == expected


@pytest.mark.parametrize(
    ("cidr", "expected"),
    [
        ("10.0.1.0/24", ""),
        ("10.0.1.0/29", ""),
        ("10.0.1.0/30", "InvalidParameter"),
        ("10.1.0.0/24", "InvalidParameter"),
        ("10.0.0.128/25", "InvalidCidrBlock.Overlapped"),
        ("ten", "InvalidParameter"),
    ],
)
def test_vswitch_ranges(client: Client, cidr: str, expected: str) -> None:
    site = client.network()
    found = code(client, "vpc", "CreateVSwitch", VpcId=site.vpc, CidrBlock=cidr, ZoneId="cn-hangzhou-i")
    assert found == expected


def test_zones_belong_to_their_region(client: Client) -> None:
    site = client.network()
    call = {"VpcId": site.vpc, "CidrBlock": "10.0.9.0/24", "ZoneId": "cn-beijing-h"}
    assert code(client, "vpc", "CreateVSwitch", call) == "InvalidZoneId.NotFound"


def test_reserved_addresses() -> None:
    switch = IPv4Network("10.0.0.0/24")
    assert {str(address) for address in rules.reserved(switch)} == {
        "10.0.0.0",
        "10.0.0.253",
        "10.0.0.254",
        "10.0.0.255",
    }
    assert rules.gateway(switch) == IPv4Address("10.0.0.253")
    assert rules.free_address(switch, [IPv4Address("10.0.0.252")]) == IPv4Address("10.0.0.251")
    small = IPv4Network("10.0.0.0/29")
    usable = [small[number] for number in range(1, 5)]
    assert rules.free_address(small, usable[:3]) == usable[3]
    assert rules.free_address(small, usable) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.10", ""),
        ("10.0.0.1", ""),
        ("10.0.0.252", ""),
        ("10.0.0.0", "InvalidIPAddress.NotAvailable"),
        ("10.0.0.253", "InvalidIPAddress.NotAvailable"),
        ("10.0.0.255", "InvalidIPAddress.NotAvailable"),
        ("10.0.1.1", "InvalidIPAddress.OutOfRange"),
        ("10.0.0.11", "InvalidIPAddress.AlreadyUsed"),
        ("ten", "InvalidIPAddress.Malformed"),
    ],
)
def test_addresses_of_ha_vips(client: Client, address: str, expected: str) -> None:
    site = client.network()
    client.run(site, "10.0.0.11")
    assert code(client, "vpc", "CreateHaVip", VSwitchId=site.vswitch, IpAddress=address) == expected


def test_the_cloud_picks_an_address(client: Client) -> None:
    site = client.network()
    created = client.vpc("CreateHaVip", VSwitchId=site.vswitch)
    assert created["IpAddress"] == client.ha_vip(created["HaVipId"])["IpAddress"] == "10.0.0.252"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ""),
        ({"ImageId": "windows"}, "InvalidImageId.NotFound"),
        ({"InstanceType": "ecs.huge"}, "InvalidInstanceType.ValueNotSupported"),
        ({"VSwitchId": "vsw-none"}, "InvalidVSwitchId.NotFound"),
        ({"SecurityGroupIds.1": "sg-none"}, "InvalidSecurityGroupId.NotFound"),
        ({"KeyPairName": "none"}, "InvalidKeyPairName.NotFound"),
        ({"ZoneId": "cn-hangzhou-h"}, "InvalidParameter.Mismatch"),
        ({"PrivateIpAddress": "10.0.0.254"}, "InvalidPrivateIpAddress"),
        ({"PrivateIpAddress": "10.0.1.1"}, "InvalidPrivateIpAddress"),
        ({"PrivateIpAddress": "ten"}, "InvalidPrivateIpAddress.Malformed"),
        ({"UserData": "not base64!"}, "InvalidUserData.Base64FormatInvalid"),
        ({"UserData": "I2luY2x1ZGUKaHR0cHM6Ly9hCg=="}, "InvalidUserData.NotServed"),
        ({"UserData": "QUFB" * 11000}, "InvalidUserData.SizeExceeded"),
        ({"HostName": "-x"}, "InvalidHostName.Malformed"),
        ({"InternetMaxBandwidthOut": "5"}, "InvalidParameter"),
        ({"Password": "x"}, "InvalidParameter.NotServed"),
        ({"Passwort": "x"}, "InvalidParameter.Unknown"),
        ({"InstanceChargeType": "PrePaid"}, "InvalidParameter"),
    ],
)
def test_instances(client: Client, change: dict[str, str], expected: str) -> None:
    site = client.network()
    outcome = pytest.raises(CallError, match=f" {expected}:") if expected else nullcontext()
    with outcome:
        client.run(site, **change)


def test_dependencies_hold_things_back(client: Client) -> None:
    site = client.network()
    client.ecs("ImportKeyPair", KeyPairName="key", PublicKeyBody=PUBLIC_KEY)
    instance = client.run(site, KeyPairName="key")
    vip = client.vpc("CreateHaVip", VSwitchId=site.vswitch)["HaVipId"]
    assert code(client, "vpc", "DeleteVpc", VpcId=site.vpc) == "DependencyViolation.VSwitch"
    assert code(client, "vpc", "DeleteVSwitch", VSwitchId=site.vswitch) == "DependencyViolation.HaVip"
    client.vpc("DeleteHaVip", HaVipId=vip)
    assert code(client, "vpc", "DeleteVSwitch", VSwitchId=site.vswitch) == "DependencyViolation"
    assert code(client, "ecs", "DeleteSecurityGroup", SecurityGroupId=site.group) == "DependencyViolation"
    attached = code(client, "ecs", "DeleteKeyPairs", KeyPairNames='["key"]')
    assert attached == "InvalidParameter.KeypairAlreadyAttachedInstance"
    client.ecs("DeleteInstance", InstanceId=instance, Force="true")
    client.cloud.settle(5)
    client.vpc("DeleteVSwitch", VSwitchId=site.vswitch)
    assert code(client, "vpc", "DeleteVpc", VpcId=site.vpc) == "DependencyViolation.SecurityGroup"
    client.ecs("DeleteSecurityGroup", SecurityGroupId=site.group)
    client.vpc("DeleteVpc", VpcId=site.vpc)


RULE = {
    "IpProtocol": "tcp",
    "PortRange": "22/22",
    "SourceCidrIp": "0.0.0.0/0",
    "Priority": "1",
    "Policy": "accept",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ""),
        ({"IpProtocol": "TCP", "Policy": "Drop"}, ""),
        ({"IpProtocol": "all", "PortRange": "-1/-1"}, ""),
        ({"IpProtocol": "all"}, "InvalidParam.PortRange"),
        ({"IpProtocol": "vrrp", "PortRange": "-1/-1"}, "InvalidIpProtocol.ValueNotSupported"),
        ({"Policy": "reject"}, "InvalidPolicy.Malformed"),
        ({"PortRange": "-1/-1"}, "InvalidParam.PortRange"),
        ({"PortRange": "80/22"}, "InvalidParam.PortRange"),
        ({"PortRange": "1/65536"}, "InvalidParam.PortRange"),
        ({"PortRange": "22"}, "InvalidParam.PortRange"),
        ({"Priority": "101"}, "InvalidPriority.ValueNotSupported"),
        ({"Priority": "0"}, "InvalidPriority.ValueNotSupported"),
        ({"PortRange": "\u0662\u0662/\u0662\u0662"}, "InvalidParam.PortRange"),
        ({"SourceCidrIp": "10.0.0.1/8"}, "InvalidSourceCidrIp.Malformed"),
        ({"SourceCidrIp": "10.0.0.0/255.0.0.0"}, "InvalidSourceCidrIp.Malformed"),
        ({"SourceCidrIp": "10.0.0.1"}, ""),
        ({"SourceCidrIp": "10.0.0.1/32"}, ""),
        ({"SourceCidrIp": ""}, "MissingParameter.Source"),
        ({"SourceGroupId": "the block counts"}, ""),
        ({"SourceCidrIp": "", "SourceGroupId": "sg-none"}, "InvalidSourceGroupId.NotFound"),
        ({"DestCidrIp": "0.0.0.0/0"}, "InvalidParameter.NotServed"),
    ],
)
def test_security_group_rules(client: Client, change: dict[str, str], expected: str) -> None:
    site = client.network()
    rule = {f"Permissions.1.{name}": value for name, value in {**RULE, **change}.items()}
    call = {"SecurityGroupId": site.group, **rule}
    assert code(client, "ecs", "AuthorizeSecurityGroup", call) == expected


def test_a_rule_s_life(client: Client) -> None:
    site = client.network()
    rule = {f"Permissions.1.{name}": value for name, value in RULE.items()}
    for _ in range(2):  # a rule that is there already is no error and no second rule
        client.ecs("AuthorizeSecurityGroup", SecurityGroupId=site.group, **rule)
    assert len(client.plane.topology.vpcs[0].security_groups[0].rules) == 1
    odd = {"Direction": "ingress", "NicType": "<nil>"}
    shown = client.ecs("DescribeSecurityGroupAttribute", SecurityGroupId=site.group, **odd)
    [permission] = shown["Permissions"]["Permission"]
    assert permission["SourceCidrIp"] == "0.0.0.0/0"
    assert (permission["Direction"], permission["NicType"]) == ("ingress", "intranet")
    assert isinstance(permission["Priority"], int)
    client.ecs("ModifySecurityGroupRule", SecurityGroupId=site.group, Description="new", **RULE)
    client.ecs("RevokeSecurityGroup", SecurityGroupId=site.group, Description="", **RULE)
    assert not client.plane.topology.vpcs[0].security_groups[0].rules
    client.ecs("RevokeSecurityGroup", SecurityGroupId=site.group, **RULE)


def test_key_pairs(client: Client) -> None:
    assert code(client, "ecs", "ImportKeyPair", KeyPairName="key", PublicKeyBody="x y") == (
        "InvalidPublicKeyBody.Malformed"
    )
    client.ecs("ImportKeyPair", KeyPairName="key", PublicKeyBody=PUBLIC_KEY)
    assert (
        code(client, "ecs", "ImportKeyPair", KeyPairName="key", PublicKeyBody=PUBLIC_KEY)
        == "KeyPair.AlreadyExist"
    )
    made = client.ecs("CreateKeyPair", KeyPairName="made")
    assert made["PrivateKeyBody"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    shown = client.ecs("DescribeKeyPairs", KeyPairName="made")["KeyPairs"]["KeyPair"]
    assert [pair["KeyPairFingerPrint"] for pair in shown] == [made["KeyPairFingerPrint"]]


def test_tags(client: Client) -> None:
    site = client.network()
    call = {"ResourceType": "VPC", "ResourceId.1": site.vpc}
    client.vpc("TagResources", {**call, "Tag.1.Key": "a", "Tag.1.Value": "b"})
    assert client.vpc("DescribeVpcAttribute", VpcId=site.vpc)["Tags"] == {"Tag": [{"Key": "a", "Value": "b"}]}
    assert code(client, "vpc", "TagResources", {**call, "Tag.1.Key": "acs:x"}) == "InvalidTagKey.Malformed"
    many = {f"Tag.{number}.Key": str(number) for number in range(1, 22)}
    assert code(client, "vpc", "TagResources", {**call, **many}) == "NumberExceed.Tags"
    gone = {"ResourceType": "VPC", "ResourceId.1": "vpc-none", "Tag.1.Key": "a"}
    assert code(client, "vpc", "TagResources", gone) == "InvalidVpcId.NotFound"
    client.vpc("TagResources", {**call, "Tag.1.Key": "b", "Tag.1.Value": "c"})
    first = client.vpc("ListTagResources", {**call, "MaxResults": "1"})
    last = client.vpc("ListTagResources", {**call, "MaxResults": "1", "NextToken": first["NextToken"]})
    assert [page["TagResources"]["TagResource"][0]["TagKey"] for page in (first, last)] == ["a", "b"]
    assert "NextToken" not in last
    assert code(client, "vpc", "ListTagResources", {**call, "MaxResults": "51"}) == "InvalidParameter"
    client.vpc("UnTagResources", {**call, "TagKey.1": "a", "TagKey.2": "b"})
    assert client.vpc("DescribeVpcAttribute", VpcId=site.vpc)["Tags"] == {"Tag": []}


def test_errors_are_exceptions_with_both_parts() -> None:
    with pytest.raises(ApiError, match=r"InvalidIPAddress\.Malformed: The specified address ten"):
        rules.address("ten")
