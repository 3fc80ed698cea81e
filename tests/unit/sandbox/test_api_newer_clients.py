"""What newer clients send beyond the parameters the sandbox acts on, and what they read."""

import pytest

from tests.unit.sandbox.client import IMAGE, Client, Json, Site

pytestmark = pytest.mark.unit


def order(site: Site) -> dict[str, str]:
    """Return the parameters of a small instance."""
    return {
        "ImageId": IMAGE,
        "InstanceType": "ecs.g7.large",
        "VSwitchId": site.vswitch,
        "SecurityGroupIds.1": site.group,
    }


RULE = {"IpProtocol": "tcp", "PortRange": "22/22", "SourceCidrIp": "0.0.0.0/0"}


@pytest.mark.parametrize(
    "nothing",
    [
        {"PasswordInherit": "false", "Ipv6AddressCount": "0", "ResourceGroupId": ""},
        {"NetworkOptions.EnableNetworkEncryption": "false", "NetworkOptions.EnableJumboFrame": "False"},
        {"SystemDisk.Encrypted": "false", "SystemDisk.ProvisionedIops": "0"},
        {"OwnerId": "0", "ResourceOwnerAccount": ""},
    ],
)
def test_a_parameter_that_asks_for_nothing_is_taken(client: Client, nothing: dict[str, str]) -> None:
    site = client.network()
    assert client.answer("ecs", "RunInstances", {**order(site), **nothing}).code == ""


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"PasswordInherit": "true"}, "PasswordInherit"),
        ({"NetworkOptions.EnableNetworkEncryption": "true"}, "NetworkOptions"),
        ({"SystemDisk.Encrypted": "true"}, "SystemDisk.Encrypted"),
        ({"CpuOptions.Accelerators.1": "vqat"}, "CpuOptions"),
        ({"DataDisk.1.Size": "20"}, "DataDisk"),
    ],
)
def test_a_parameter_that_is_not_served_is_refused_by_name(
    client: Client, asked: dict[str, str], name: str
) -> None:
    site = client.network()
    answer = client.answer("ecs", "RunInstances", {**order(site), **asked})
    assert (answer.status, answer.code) == (400, "InvalidParameter.NotServed")
    assert f"The parameter {name} of RunInstances" in str(answer.body["Message"])
    assert "NotFound" not in str(answer.body["Message"])


def test_rules_of_other_kinds_are_refused(client: Client) -> None:
    group = client.network().group
    answer = client.answer(
        "ecs",
        "AuthorizeSecurityGroup",
        {"SecurityGroupId": group, "Permissions.1.IpProtocol": "tcp", "Permissions.1.PortRange": "22/22"}
        | {"Permissions.1.Ipv6SourceCidrIp": "::/0"},
    )
    assert answer.code == "InvalidParameter.NotServed"
    assert "Permissions.1.Ipv6SourceCidrIp" in str(answer.body["Message"])


def _rules(client: Client, group: str, **page: str) -> Json:
    return client.ecs("DescribeSecurityGroupAttribute", SecurityGroupId=group, **page)


def _ids(answer: Json) -> list[str]:
    return [rule["SecurityGroupRuleId"] for rule in answer["Permissions"]["Permission"]]


def test_rules_spelt_out_beside_the_group_or_in_a_list(client: Client) -> None:
    group = client.network().group
    before = set(_ids(_rules(client, group)))
    client.ecs("AuthorizeSecurityGroup", {"SecurityGroupId": group, **RULE})
    (made,) = set(_ids(_rules(client, group))) - before
    assert made
    listed = {f"Permissions.1.{name}": value for name, value in RULE.items()}
    client.ecs("RevokeSecurityGroup", {"SecurityGroupId": group, **listed})
    assert set(_ids(_rules(client, group))) == before


def test_rules_are_changed_and_revoked_by_their_ids(client: Client) -> None:
    group = client.network().group
    before = set(_ids(_rules(client, group)))
    client.ecs("AuthorizeSecurityGroup", {"SecurityGroupId": group, **RULE})
    (made,) = set(_ids(_rules(client, group))) - before
    change = {"SecurityGroupId": group, "SecurityGroupRuleId": made, "Description": "ssh"}
    client.ecs("ModifySecurityGroupRule", change)
    assert "ssh" in str(_rules(client, group))
    client.ecs("RevokeSecurityGroup", {"SecurityGroupId": group, "SecurityGroupRuleId.1": made})
    assert set(_ids(_rules(client, group))) == before
    gone = client.answer("ecs", "ModifySecurityGroupRule", change)
    assert (gone.status, gone.code) == (404, "InvalidSecurityGroupRuleId.NotFound")
    nothing = client.answer("ecs", "ModifySecurityGroupRule", SecurityGroupId=group)
    assert nothing.code == "MissingParameter"


def test_pages_name_the_next_until_there_is_none(client: Client) -> None:
    group = client.network().group
    for port in ("22/22", "80/80", "443/443"):
        client.ecs("AuthorizeSecurityGroup", {"SecurityGroupId": group, **RULE, "PortRange": port})
    whole = _rules(client, group)
    assert "NextToken" not in whole
    found: list[str] = []
    token = ""
    for _ in range(10):
        page = _rules(client, group, MaxResults="2", **({"NextToken": token} if token else {}))
        found += _ids(page)
        token = str(page.get("NextToken", ""))
        if not token:
            break
    assert found == _ids(whole)


def test_a_ha_vip_may_be_tagged_at_once(client: Client) -> None:
    site = client.network()
    made = client.vpc("CreateHaVip", {"VSwitchId": site.vswitch, "Tag.1.Key": "k", "Tag.1.Value": "v"})
    assert client.ha_vip(made["HaVipId"])["Tags"] == {"Tag": [{"Key": "k", "Value": "v"}]}


def test_network_encryption_and_metadata_tags_are_shown_as_not_asked_for(client: Client) -> None:
    site = client.network()
    made = client.run(site)
    shown = client.ecs("DescribeInstanceAttribute", InstanceId=made)
    assert shown["EnableNetworkEncryption"] is False
    assert shown["NetworkOptions"] == {"EnableJumboFrame": False, "EnableNetworkEncryption": False}
    assert client.instance(made)["MetadataOptions"]["InstanceMetadataTags"] == ""
