"""What clients demand of answers: empty lists, whole numbers, and nothing nobody asked for."""

import base64
import json

import pytest

from tests.unit.sandbox.client import IMAGE, PUBLIC_KEY, Client, Json

pytestmark = pytest.mark.unit

LISTS = [
    ("vpc", "DescribeVpcs", {}, ("Vpcs", "Vpc")),
    ("vpc", "DescribeVSwitches", {}, ("VSwitches", "VSwitch")),
    ("vpc", "DescribeRouteTableList", {"VpcId": "vpc-none"}, ("RouterTableList", "RouterTableListType")),
    ("vpc", "DescribeHaVips", {"Filter.1.Key": "HaVipId", "Filter.1.Value.1": "none"}, ("HaVips", "HaVip")),
    ("vpc", "DescribeEipAddresses", {"AllocationId": "eip-none"}, ("EipAddresses", "EipAddress")),
    ("ecs", "DescribeInstances", {"InstanceIds": '["i-none"]'}, ("Instances", "Instance")),
    ("ecs", "DescribeSecurityGroups", {"SecurityGroupId": "sg-none"}, ("SecurityGroups", "SecurityGroup")),
    ("ecs", "DescribeKeyPairs", {"KeyPairName": "none"}, ("KeyPairs", "KeyPair")),
    ("ecs", "DescribeDisks", {"InstanceId": "i-none"}, ("Disks", "Disk")),
    ("ecs", "DescribeTags", {"ResourceType": "image", "ResourceId": "x"}, ("Tags", "Tag")),
    ("ecs", "DescribeImages", {"ImageId": "none"}, ("Images", "Image")),
    (
        "ecs",
        "DescribeInstanceRamRole",
        {"InstanceIds": '["i-none"]'},
        ("InstanceRamRoleSets", "InstanceRamRoleSet"),
    ),
    (
        "ecs",
        "DescribeNetworkInterfaces",
        {"NetworkInterfaceId.1": "eni-none"},
        ("NetworkInterfaceSets", "NetworkInterfaceSet"),
    ),
]


@pytest.mark.parametrize(("product", "action", "call", "where"), LISTS)
def test_empty_lists_are_lists(
    client: Client, product: str, action: str, call: dict[str, str], where: tuple[str, str]
) -> None:
    body = client.ecs(action, call) if product == "ecs" else client.vpc(action, call)
    assert body[where[0]][where[1]] == []


@pytest.fixture
def instance(client: Client) -> Json:
    site = client.network()
    client.ecs("ImportKeyPair", KeyPairName="key", PublicKeyBody=PUBLIC_KEY)
    data = base64.b64encode(b"#!/bin/sh\n").decode()
    made = client.run(site, "10.0.0.11", KeyPairName="key", UserData=data, InstanceName="one", HostName="one")
    return client.instance(made)


def test_an_instance(client: Client, instance: Json) -> None:
    assert instance["VpcAttributes"]["PrivateIpAddress"] == {"IpAddress": ["10.0.0.11"]}
    assert (instance["InstanceChargeType"], instance["Status"]) == ("PostPaid", "Running")
    for blank in ("HpcClusterId", "DeploymentSetId", "AutoReleaseTime", "ResourceGroupId"):
        assert instance[blank] == ""
    assert instance["DeletionProtection"] is False
    assert instance["Memory"] == 8192
    assert all(not isinstance(value, float) for value in instance.values())
    only = {"InstanceIds": json.dumps([instance["InstanceId"]])}
    assert "NextToken" not in client.ecs("DescribeInstances", only, MaxResults="50", KeyPairName="key")


def test_an_instance_s_side_calls(client: Client, instance: Json) -> None:
    one = instance["InstanceId"]
    many = {"InstanceIds": json.dumps([one])}
    [disk] = client.ecs("DescribeDisks", InstanceId=one, DiskType="system")["Disks"]["Disk"]
    assert (disk["InstanceId"], disk["Category"], disk["Size"]) == (one, "cloud_essd", 40)
    assert client.ecs("DescribeUserData", InstanceId=one)["UserData"] == "IyEvYmluL3NoCg=="
    [role] = client.ecs("DescribeInstanceRamRole", many)["InstanceRamRoleSets"]["InstanceRamRoleSet"]
    assert role == {"InstanceId": one, "RamRoleName": ""}
    [interface] = instance["NetworkInterfaces"]["NetworkInterface"]
    found = client.ecs("DescribeNetworkInterfaces", {"NetworkInterfaceId.1": interface["NetworkInterfaceId"]})
    [nic] = found["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    assert nic["PrivateIpSets"]["PrivateIpSet"] == [{"Primary": True, "PrivateIpAddress": "10.0.0.11"}]
    assert isinstance(nic["Attachment"], dict)
    found = client.ecs("DescribeInstanceMaintenanceAttributes", {"InstanceId.1": one})
    [upkeep] = found["MaintenanceAttributes"]["MaintenanceAttribute"]
    assert upkeep["MaintenanceWindows"] == {"MaintenanceWindow": []}
    assert client.ecs("DescribeInstanceAttribute", InstanceId=one)["InstanceId"] == one
    [pool] = client.ecs("DescribeInstanceAttachmentAttributes", many)["Instances"]["Instance"]
    assert pool["InstanceId"] == one


def test_networks(client: Client, instance: Json) -> None:
    [vpc] = client.vpc("DescribeVpcs")["Vpcs"]["Vpc"]
    assert {"SecondaryCidrBlocks", "UserCidrs", "VSwitchIds"} <= set(vpc)
    [tables] = client.vpc("DescribeRouteTableList", VpcId=vpc["VpcId"])["RouterTableList"].values()
    assert [(table["RouteTableType"], table["VpcId"]) for table in tables] == [("System", vpc["VpcId"])]
    [vswitch] = client.vpc("DescribeVSwitches", VpcId=vpc["VpcId"])["VSwitches"]["VSwitch"]
    assert vswitch["RouteTable"]["RouteTableId"]
    assert vswitch["Ipv6CidrBlock"] == ""
    assert vswitch["AvailableIpAddressCount"] == 256 - 4 - 1
    assert instance["ZoneId"] == vswitch["ZoneId"]


def test_pages_end(client: Client) -> None:
    for number in range(9):
        client.vpc("CreateVpc", CidrBlock=f"10.{number}.0.0/16")
    sizes = [
        len(client.vpc("DescribeVpcs", PageNumber=str(page), PageSize="4")["Vpcs"]["Vpc"])
        for page in (1, 2, 3, 4)
    ]
    assert sizes == [4, 4, 1, 0]
    assert client.vpc("DescribeVpcs")["TotalCount"] == 9


def test_the_catalogue(client: Client) -> None:
    zones = client.ecs("DescribeZones")["Zones"]["Zone"]
    assert all(zone["AvailableInstanceTypes"]["InstanceTypes"] for zone in zones)
    resources = client.ecs(
        "DescribeAvailableResource", DestinationResource="InstanceType", Cores="2", Memory="8.0"
    )
    [first, *_] = resources["AvailableZones"]["AvailableZone"]
    assert first["ZoneId"] == zones[0]["ZoneId"]
    [kinds] = first["AvailableResources"]["AvailableResource"]
    offered = {kind["Value"] for kind in kinds["SupportedResources"]["SupportedResource"]}
    types = client.ecs("DescribeInstanceTypes")["InstanceTypes"]["InstanceType"]
    matching = {
        kind["InstanceTypeId"] for kind in types if (kind["CpuCoreCount"], kind["MemorySize"]) == (2, 8)
    }
    assert offered == matching
    assert "ecs.g7.large" in offered
    assert all(isinstance(kind["MemorySize"], int) for kind in types)
    [image] = client.ecs("DescribeImages", PageSize="100", Status="Available")["Images"]["Image"]
    assert image["ImageId"] == IMAGE
    assert client.ecs("DescribeImages", PageSize="100", PageNumber="2")["Images"]["Image"] == []


def test_the_account(client: Client) -> None:
    answer = client.answer(
        "bss", "QueryAvailableInstances", ProductCode="vipcloudfw", PageNum="1", PageSize="50"
    )
    assert (answer.body["Code"], answer.body["Success"], answer.body["Message"]) == ("Success", True, "")
    answer = client.answer("loc", "DescribeEndpoints", Id="cn-hangzhou", ServiceCode="ecs")
    assert json.dumps(answer.body["Endpoints"]).count("127.0.0.1:7443") == 1
    assert client.answer("sts", "GetCallerIdentity").body["AccountId"]
