"""A client of the emulated API that signs by itself, written from the documentation alone."""

import base64
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.api.credentials import AccessKey
from sandbox.api.dispatch import Answer, Dispatcher
from sandbox.cloud.cloud import Cloud
from tests.unit.sandbox.fake_plane import FakePlane

VERSIONS = {
    "ecs": "2014-05-26",
    "vpc": "2016-04-28",
    "bss": "2017-12-14",
    "loc": "2015-06-12",
    "sts": "2015-04-01",
}
Json = dict[str, Any]
IMAGE = "debian_12_9_x64_20G_alibase_20250117.vhd"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop test"


def percent(text: str) -> str:
    return quote(text, safe="~-_.")


def signed(method: str, parameters: dict[str, str], key: AccessKey, **common: str) -> dict[str, str]:
    """Return ``parameters`` with everything an RPC call needs."""
    full = {
        "Format": "JSON",
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SignatureNonce": uuid.uuid4().hex,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "AccessKeyId": key.id,
        **parameters,
        **common,
    }
    canonical = "&".join(f"{percent(name)}={percent(full[name])}" for name in sorted(full))
    text = "&".join([method, percent("/"), percent(canonical)])
    digest = hmac.new((key.secret + "&").encode(), text.encode(), "sha1").digest()
    return {"Signature": base64.b64encode(digest).decode(), **full}


class CallError(AssertionError):
    """The API answered with an error."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"{answer.status} {answer.code}: {answer.body.get('Message')}")


@dataclass
class Client:
    """Calls the API past HTTP. Names with dots are given as ``{"Tag.1.Key": "a"}``."""

    cloud: Cloud
    plane: FakePlane
    key: AccessKey
    region: str = "cn-hangzhou"

    def answer(
        self, product: str, action: str, parameters: dict[str, str] | None = None, /, **more: str
    ) -> Answer:
        """Return whatever comes back."""
        call = {
            "Action": action,
            "Version": VERSIONS[product],
            "RegionId": self.region,
            **(parameters or {}),
            **more,
        }
        return Dispatcher(self.cloud, self.key).answer("POST", signed("POST", call, self.key))

    def _body(
        self, product: str, action: str, parameters: dict[str, str] | None, more: dict[str, str]
    ) -> Json:
        answer = self.answer(product, action, parameters, **more)
        if answer.code:
            raise CallError(answer)
        assert answer.status == 200
        # Through JSON and back, as a client sees it.
        content: Json = json.loads(json.dumps(answer.body))
        return content

    def ecs(self, action: str, parameters: dict[str, str] | None = None, /, **more: str) -> Json:
        """Call ECS; an error is a :class:`CallError`."""
        return self._body("ecs", action, parameters, more)

    def vpc(self, action: str, parameters: dict[str, str] | None = None, /, **more: str) -> Json:
        """Call VPC; an error is a :class:`CallError`."""
        return self._body("vpc", action, parameters, more)

    def network(self, cidr: str = "10.0.0.0/16", vswitch: str = "10.0.0.0/24") -> "Site":
        """Make a VPC, a vSwitch and a security group."""
        vpc = self.vpc("CreateVpc", CidrBlock=cidr)["VpcId"]
        switch = self.vpc("CreateVSwitch", VpcId=vpc, CidrBlock=vswitch, ZoneId="cn-hangzhou-i")["VSwitchId"]
        group = self.ecs("CreateSecurityGroup", VpcId=vpc)["SecurityGroupId"]
        return Site(vpc, switch, group)

    def run(self, site: "Site", address: str = "", **more: str) -> str:
        """Run an instance and wait for its host."""
        order = {
            "ImageId": IMAGE,
            "InstanceType": "ecs.g7.large",
            "VSwitchId": site.vswitch,
            "SecurityGroupIds.1": site.group,
            "PrivateIpAddress": address,
            **more,
        }
        instance: str = self.ecs("RunInstances", order)["InstanceIdSets"]["InstanceIdSet"][0]
        self.cloud.settle(10)
        return instance

    def ha_vips(self, ha_vip_id: str) -> list[Json]:
        """Return what DescribeHaVips shows of one HaVip: it, or nothing."""
        found = self.vpc("DescribeHaVips", {"Filter.1.Key": "HaVipId", "Filter.1.Value.1": ha_vip_id})
        shown: list[Json] = found["HaVips"]["HaVip"]
        return shown

    def ha_vip(self, ha_vip_id: str) -> Json:
        """Return one HaVip as DescribeHaVips shows it."""
        [shown] = self.ha_vips(ha_vip_id)
        return shown

    def instances(self, instance_id: str) -> list[Json]:
        """Return what DescribeInstances shows of one instance: it, or nothing."""
        found = self.ecs("DescribeInstances", InstanceIds=json.dumps([instance_id]))
        shown: list[Json] = found["Instances"]["Instance"]
        return shown

    def instance(self, instance_id: str) -> Json:
        """Return one instance as DescribeInstances shows it."""
        [shown] = self.instances(instance_id)
        return shown


@dataclass(frozen=True)
class Site:
    """Where instances go."""

    vpc: str
    vswitch: str
    group: str
