"""What calls look like on the wire, and what is refused."""

from typing import Any

import pytest

from sandbox.api import registry, wire
from sandbox.api.coverage import table
from sandbox.cloud import errors
from tests.unit.sandbox.client import Client

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("flat", "folded"),
    [
        ({"A": "1"}, {"A": "1"}),
        ({"Tag.1.Key": "a", "Tag.1.Value": "b"}, {"Tag": [{"Key": "a", "Value": "b"}]}),
        ({"Id.2": "b", "Id.1": "a"}, {"Id": ["a", "b"]}),
        ({f"Id.{n}": str(n) for n in range(1, 12)}, {"Id": [str(n) for n in range(1, 12)]}),
        ({"SystemDisk.Size": "40"}, {"SystemDisk": {"Size": "40"}}),
        ({"Filter.1.Key": "k", "Filter.1.Value.1": "v"}, {"Filter": [{"Key": "k", "Value": ["v"]}]}),
    ],
)
def test_flat_names_become_a_tree(flat: dict[str, str], folded: dict[str, Any]) -> None:
    assert wire.tree(flat) == folded


@pytest.mark.parametrize(
    "flat", [{"Id.1": "a", "Id.3": "b"}, {"Id": "a", "Id.1": "b"}, {"Id.1": "b", "Id": "a"}]
)
def test_bad_lists_are_refused(flat: dict[str, str]) -> None:
    with pytest.raises(errors.common.InvalidParameter):
        wire.tree(flat)


def test_query_and_form_are_one() -> None:
    assert wire.merge("A=1&B=", "C=x+y%2B&D=%E4%B8%AD") == {"A": "1", "B": "", "C": "x y+", "D": "中"}


def test_secrets_stay_out_of_the_log() -> None:
    logged = wire.for_log(
        {"Action": "RunInstances", "AccessKeyId": "k", "UserData": "c2VjcmV0", "ImageId": "x"}
    )
    assert logged == {"UserData": "<8 characters>", "ImageId": "x"}


def test_unknown_things_fail_loudly(client: Client) -> None:
    action = client.answer("vpc", "CreateUnicorn")
    assert (action.status, action.code) == (400, "UnsupportedOperation.NotServed")
    parameter = client.answer("vpc", "CreateVpc", Colour="red")
    assert (parameter.status, parameter.code) == (400, "InvalidParameter.Unknown")
    assert "Colour" in str(parameter.body["Message"])
    nested = client.answer("vpc", "CreateVpc", {"Tag.1.Key": "a", "Tag.1.Colour": "red"})
    assert "Tag.1.Colour" in str(nested.body["Message"])
    assert all(answer.not_served for answer in (action, parameter, nested))
    assert "CreateUnicorn of Vpc 2016-04-28" in str(action.body["Message"])
    for answer in (action, parameter, nested):
        assert "NotFound" not in str(answer.body["Message"])


def test_missing_and_malformed_parameters(client: Client) -> None:
    missing = client.answer("vpc", "CreateVSwitch", CidrBlock="10.0.0.0/24", ZoneId="cn-hangzhou-i")
    assert (missing.status, missing.code) == (400, "MissingParameter")
    assert "VpcId" in str(missing.body["Message"])
    assert client.answer("vpc", "DescribeVpcs", PageNumber="x").code == "InvalidParameter"
    assert client.answer("ecs", "DescribeInstances", InstanceIds="i-1").code == "InvalidParameter"
    assert client.answer("vpc", "DescribeVpcs", RegionId="mars-1").code == "InvalidRegionId.NotFound"
    assert client.answer("vpc", "DescribeVpcs", Format="XML").code == "InvalidParameter"


def test_action_names_have_no_case_and_versions_matter(client: Client) -> None:
    site = client.network()
    for spelling in ("UnTagResources", "UntagResources", "untagresources"):
        client.vpc(spelling, {"ResourceType": "VPC", "ResourceId.1": site.vpc, "TagKey.1": "a"})
    assert client.answer("ecs", "CreateVpc").code == "UnsupportedOperation.NotServed"


def test_errors_have_the_fields_clients_read(client: Client) -> None:
    answer = client.answer("vpc", "DescribeVpcAttribute", VpcId="vpc-none")
    assert (answer.status, answer.code) == (404, "InvalidVpcId.NotFound")
    assert set(answer.body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert all(isinstance(value, str) for value in answer.body.values())


def test_a_bug_is_no_not_found(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise KeyError("NotFoo")

    monkeypatch.setattr(client.cloud, "read", explode)
    answer = client.answer("vpc", "DescribeVpcs")
    assert (answer.status, answer.code) == (400, "SandboxFailure")


def test_only_gone_means_404() -> None:
    for error in errors.ApiError.__subclasses__():
        assert (error.status == 404) == (error.code.endswith(".NotFound") and error.status != 403), error.code
        assert error.code
        assert "NotFound" not in error.template


def test_every_action_says_where_it_comes_from() -> None:
    actions = list(registry.all_actions())
    assert len(actions) > 60
    for action in actions:
        assert "reference" in (action.call.__doc__ or ""), action.name
    assert "| Vpc | 2016-04-28 | AssociateHaVip |" in table()
    assert "**HaVipId**" in table()
