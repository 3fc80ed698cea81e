"""What holds for every call: who signs it and when, once only, client tokens, pages, words nobody knows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_tea_openapi.models import OpenApiRequest, Params
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_vpc20160428 import models as vpc
from darabonba.runtime import RuntimeOptions

from tests.sdk import REGION, Clients, Refusal, refusal
from tests.unit.sandbox.client import VERSIONS, signed
from tests.unit.sandbox.sdk.conftest import Account, make_vpc
from tests.unit.sandbox.served import Server

pytestmark = pytest.mark.unit

VPCS = vpc.DescribeVpcsRequest(region_id=REGION)


def test_a_wrong_secret_and_an_unknown_key_are_refused(server: Server) -> None:
    assert server.sdk().vpc.describe_vpcs(VPCS).status_code == 200
    wrong, unknown = server.sdk(secret="wrong"), server.sdk(key_id="LTAIunknown")
    assert refusal(wrong.vpc.describe_vpcs, VPCS) == Refusal(400, "SignatureDoesNotMatch")
    assert refusal(unknown.vpc.describe_vpcs, VPCS) == Refusal(404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize(("minutes", "refused"), [(-16, True), (-14, False), (14, False), (16, True)])
def test_a_call_is_at_most_fifteen_minutes_old(
    server: Server, monkeypatch: pytest.MonkeyPatch, minutes: int, refused: bool
) -> None:
    then = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    monkeypatch.setattr(Utils, "get_timestamp", staticmethod(lambda: then))
    client = server.sdk().vpc
    if refused:
        assert refusal(client.describe_vpcs, VPCS) == Refusal(400, "InvalidTimeStamp.Expired")
    else:
        assert client.describe_vpcs(VPCS).status_code == 200


def test_a_call_is_answered_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Utils, "get_nonce", staticmethod(lambda: "the same one"))
    client = server.sdk().vpc
    assert client.describe_vpcs(VPCS).status_code == 200
    assert refusal(client.describe_vpcs, VPCS) == Refusal(400, "SignatureNonceUsed")


def test_a_call_signed_in_its_parameters_is_answered_once(server: Server) -> None:
    call = signed("POST", {"Action": "DescribeVpcs", "Version": VERSIONS["vpc"]}, server.key)
    assert server.client.post("/", data=call).status_code == 200
    again = server.client.post("/", data=call)
    assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")


def test_a_forged_call_uses_no_nonce_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Utils, "get_nonce", staticmethod(lambda: "overheard"))
    assert refusal(server.sdk(secret="guessed").vpc.describe_vpcs, VPCS).code == "SignatureDoesNotMatch"
    assert server.sdk().vpc.describe_vpcs(VPCS).status_code == 200


def creations(account: Account) -> dict[str, tuple[Any, Any, Any, str]]:
    """Calls that make something: the call, a request with a token, another with the same one, what is made."""
    c, network = account.clients, {"region_id": REGION, "client_token": "token"}
    vip = {**network, "v_switch_id": account.vswitch_id}
    group = {**network, "vpc_id": account.vpc_id}
    return {
        "vpc": (
            c.vpc.create_vpc,
            vpc.CreateVpcRequest(**network, cidr_block="10.1.0.0/16"),
            vpc.CreateVpcRequest(**network, cidr_block="10.2.0.0/16"),
            "vpc_id",
        ),
        "HaVip": (
            c.vpc.create_ha_vip,
            vpc.CreateHaVipRequest(**vip, ip_address="10.0.0.10"),
            vpc.CreateHaVipRequest(**vip, ip_address="10.0.0.9"),
            "ha_vip_id",
        ),
        "EIP": (
            c.vpc.allocate_eip_address,
            vpc.AllocateEipAddressRequest(**network, bandwidth="5"),
            vpc.AllocateEipAddressRequest(**network, bandwidth="6"),
            "allocation_id",
        ),
        "group": (
            c.ecs.create_security_group,
            ecs.CreateSecurityGroupRequest(**group, security_group_name="a"),
            ecs.CreateSecurityGroupRequest(**group, security_group_name="b"),
            "security_group_id",
        ),
    }


@pytest.mark.parametrize("what", ["vpc", "HaVip", "EIP", "group"])
def test_a_client_token_makes_one_thing(account: Account, what: str) -> None:
    call, request, other, identifier = creations(account)[what]
    first, again = call(request).body, call(request).body
    assert getattr(first, identifier) == getattr(again, identifier)
    assert first.request_id != again.request_id
    assert refusal(call, other) == Refusal(400, "IdempotentParameterMismatch")


def test_an_instance_is_ordered_once_per_token(account: Account) -> None:
    first = account.run(client_token="t", private_ip_address="10.0.0.11")
    assert account.run(client_token="t", private_ip_address="10.0.0.11") == first
    other = account.order(client_token="t", private_ip_address="10.0.0.12")
    assert refusal(account.ecs.run_instances, other) == Refusal(400, "IdempotentParameterMismatch")


def test_pages_are_numbered_from_one_and_have_a_limit(server: Server) -> None:
    clients = server.sdk()
    made = [make_vpc(clients.vpc, f"10.{number}.0.0/16") for number in range(7)]
    found: list[str] = []
    for number in (1, 2, 3, 4):
        request = vpc.DescribeVpcsRequest(region_id=REGION, page_number=number, page_size=3)
        body = clients.vpc.describe_vpcs(request).body
        assert (body.total_count, body.page_number, body.page_size) == (7, number, 3)
        found += [one.vpc_id for one in body.vpcs.vpc]
    assert sorted(found) == sorted(made)
    for bad in ({"page_number": 0}, {"page_size": 0}, {"page_size": 51}):
        request = vpc.DescribeVpcsRequest(region_id=REGION, **bad)
        assert refusal(clients.vpc.describe_vpcs, request) == Refusal(400, "InvalidParameter")
    assert clients.vpc.describe_vpcs(vpc.DescribeVpcsRequest(region_id=REGION, page_size=50)).body.total_count


def test_tokens_lead_from_page_to_page(account: Account) -> None:
    made = sorted(account.run() for _ in range(5))
    found: list[str] = []
    token: str | None = None
    for _ in range(3):
        request = ecs.DescribeInstancesRequest(region_id=REGION, max_results=2, next_token=token)
        body = account.ecs.describe_instances(request).body
        found += [one.instance_id for one in body.instances.instance]
        token = body.next_token
    assert sorted(found) == made
    assert not token


def test_a_longer_page_than_there_are_is_one_of_the_longest(account: Account) -> None:
    one = account.run()
    listed = ecs.DescribeInstancesRequest(region_id=REGION, max_results=101)
    [shown] = account.ecs.describe_instances(listed).body.instances.instance
    assert shown.instance_id == one
    disks = ecs.DescribeDisksRequest(region_id=REGION, max_results=501)
    assert len(account.ecs.describe_disks(disks).body.disks.disk) == 1
    interfaces = ecs.DescribeNetworkInterfacesRequest(region_id=REGION, max_results=501)
    found = account.ecs.describe_network_interfaces(interfaces).body.network_interface_sets
    assert len(found.network_interface_set) == 1
    # Of these the API says only how many there may be.
    groups = ecs.DescribeSecurityGroupsRequest(region_id=REGION, max_results=101)
    assert refusal(account.ecs.describe_security_groups, groups) == Refusal(400, "InvalidParameter")


def raw(clients: Clients, action: str, query: dict[str, str], version: str = VERSIONS["vpc"]) -> Refusal:
    """Call an action the SDK has no method for, or with parameters it has no attribute for."""
    parameters = Params(
        action=action,
        version=version,
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )

    def call(request: OpenApiRequest) -> Any:
        return clients.vpc.call_api(parameters, request, RuntimeOptions())

    return refusal(call, OpenApiRequest(query=query))


def test_unknown_words_are_refused(server: Server) -> None:
    """With 400: 404 would say that a resource is gone."""
    clients = server.sdk()
    assert raw(clients, "CreateUnicorn", {}) == Refusal(400, "UnsupportedOperation.NotServed")
    assert raw(clients, "DescribeVpcs", {}, version="2000-01-01") == Refusal(400, "InvalidVersion")
    assert raw(clients, "DescribeVpcs", {"Colour": "red"}) == Refusal(400, "InvalidParameter.Unknown")
    assert raw(clients, "DescribeVpcAttribute", {}) == Refusal(400, "MissingParameter")
    asked = vpc.CreateVpcRequest(region_id=REGION, cidr_block="10.0.0.0/16", enable_ipv_6=True)
    assert refusal(clients.vpc.create_vpc, asked) == Refusal(400, "InvalidParameter.NotServed")
    elsewhere = vpc.DescribeVpcsRequest(region_id="mars-1")
    assert refusal(clients.vpc.describe_vpcs, elsewhere) == Refusal(404, "InvalidRegionId.NotFound")


def test_an_id_says_where_it_is_when_the_call_does_not(server: Server) -> None:
    """Actions on one instance have no RegionId in the SDK; on the cloud the endpoint or the id decides."""
    clients = server.sdk()
    far = vpc.CreateVpcRequest(region_id="cn-beijing", cidr_block="10.0.0.0/16")
    far_id = clients.vpc.create_vpc(far).body.vpc_id
    request = vpc.CreateVSwitchRequest(vpc_id=far_id, cidr_block="10.0.0.0/24", zone_id="cn-beijing-h")
    assert clients.vpc.create_vswitch(request).body.v_switch_id
    near = vpc.DeleteVpcRequest(region_id=REGION, vpc_id=far_id)
    assert refusal(clients.vpc.delete_vpc, near) == Refusal(404, "InvalidVpcId.NotFound")
