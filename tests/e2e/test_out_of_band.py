"""Every kind of resource changed, lost and imported: by the stack, and behind its back through Alibaba's own SDKs."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_vpc20160428 import models as vpc

from sandbox.control import Control
from sandbox.hosts.machine import Machines
from sandbox.settings import Settings
from sandbox.stack.engine import PROJECT
from tests.e2e.conftest import make_lab
from tests.e2e.lab import Lab
from tests.sdk import REGION, Clients, clients
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PROGRAM = PROJECT / "tests/e2e/cloud"
KINDS = 11
"""Resources of the program, one of each kind and a rule for each direction."""


@pytest.fixture(scope="module")
def lab(settings: Settings, dev: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The program's stack, up."""
    assert dev.cloud()["api"]  # the sandbox runs
    lab = make_lab(settings, tmp_path_factory.mktemp("p") / "cloud", "cloud", {}, PROGRAM)
    succeed(lab, "up", "--yes", "--skip-preview")
    yield lab
    succeed(lab, "destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def sdk(settings: Settings, lab: Lab) -> Clients:
    """Alibaba's own clients of the same account."""
    assert lab.settings is settings
    status = Control(settings).status()
    return clients(
        settings.endpoint, status.access_key_id, status.access_key_secret, Path(status.content["ca"])
    )


def succeed(lab: Lab, *arguments: str) -> str:
    """Run ``pulumi``; what it says. It must succeed."""
    done = lab.pulumi(*arguments, "--color=never")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_as_wanted(lab: Lab) -> bool:
    """Whether a preview that looks at the cloud first finds nothing to do."""
    return lab.pulumi("preview", "--refresh", "--expect-no-changes").returncode == 0


def to_change(lab: Lab) -> set[str]:
    """The names of the resources a preview would touch after it looked at the cloud."""
    steps = json.loads(succeed(lab, "preview", "--refresh", "--json"))["steps"]
    return {step["urn"].rsplit("::", 1)[1] for step in steps if step["op"] not in ("same", "refresh")}


def ha_vip(sdk: Clients, vip_id: str) -> Any:
    """A HaVip as the cloud shows it."""
    wanted = vpc.DescribeHaVipsRequestFilter(key="HaVipId", value=[vip_id])
    found = sdk.vpc.describe_ha_vips(vpc.DescribeHaVipsRequest(region_id=REGION, filter=[wanted]))
    return found.body.ha_vips.ha_vip[0]


def instance(sdk: Clients, instance_id: str) -> Any:
    """An instance as the cloud shows it, None if there is none."""
    request = ecs.DescribeInstancesRequest(region_id=REGION, instance_ids=json.dumps([instance_id]))
    found = sdk.ecs.describe_instances(request).body.instances.instance
    return found[0] if found else None


def eip(sdk: Clients, allocation_id: str) -> Any:
    """An EIP as the cloud shows it."""
    request = vpc.DescribeEipAddressesRequest(region_id=REGION, allocation_id=allocation_id)
    return sdk.vpc.describe_eip_addresses(request).body.eip_addresses.eip_address[0]


def test_what_was_made_is_what_was_wanted(lab: Lab) -> None:
    assert is_as_wanted(lab)


def test_every_kind_of_resource_is_imported_as_it_is(settings: Settings, lab: Lab) -> None:
    """The engine refuses an import whose inputs are not exactly the program's."""
    known = lab.engine.export()["resources"]
    ids = {one["urn"].rsplit("::", 1)[1]: one["id"] for one in known if one["type"].startswith("alicloud:")}
    assert len(ids) == KINDS
    other = make_lab(settings, lab.flow.project.parent / "import", "import", {"imports": ids}, PROGRAM)
    try:
        succeed(other, "up", "--yes", "--skip-preview")
        assert other.engine.last_changes().get("import") == KINDS
    finally:
        # They are the other stack's; only this one's knowledge of them goes.
        succeed(other, "stack", "rm", "--force", "--yes")
    assert is_as_wanted(lab)


def test_changes_behind_the_stacks_back_are_named_and_mended(lab: Lab, sdk: Clients) -> None:
    made = lab.outputs()
    vip_id, allocation_id, instance_id = made["vip_id"], made["allocation_id"], made["instance_id"]
    sdk.vpc.unassociate_eip_address(
        vpc.UnassociateEipAddressRequest(region_id=REGION, allocation_id=allocation_id)
    )
    sdk.vpc.unassociate_ha_vip(
        vpc.UnassociateHaVipRequest(region_id=REGION, ha_vip_id=vip_id, instance_id=instance_id, force="True")
    )
    sdk.vpc.tag_resources(
        vpc.TagResourcesRequest(
            region_id=REGION,
            resource_type="VSWITCH",
            resource_id=[made["vswitch_id"]],
            tag=[vpc.TagResourcesRequestTag(key="label", value="somebody else's")],
        )
    )
    rule = ecs.RevokeSecurityGroupRequestPermissions(
        ip_protocol="tcp", port_range="22/22", source_cidr_ip="192.0.2.0/24"
    )
    sdk.ecs.revoke_security_group(
        ecs.RevokeSecurityGroupRequest(
            region_id=REGION, security_group_id=made["group_id"], permissions=[rule]
        )
    )
    sdk.vpc.modify_eip_address_attribute(
        vpc.ModifyEipAddressAttributeRequest(region_id=REGION, allocation_id=allocation_id, bandwidth="9")
    )
    sdk.ecs.stop_instance(ecs.StopInstanceRequest(instance_id=instance_id, force_stop=True))
    eventually("the instance is off", lambda: instance(sdk, instance_id).status == "Stopped", within_s=60)

    assert to_change(lab) == {"association", "attachment", "vswitch", "in", "eip", "instance"}
    succeed(lab, "up", "--refresh", "--yes", "--skip-preview")
    assert ha_vip(sdk, vip_id).associated_instances.associated_instance == [instance_id]
    assert (eip(sdk, allocation_id).instance_id, eip(sdk, allocation_id).bandwidth) == (vip_id, "5")
    assert instance(sdk, instance_id).status == "Running"
    assert is_as_wanted(lab)


def test_an_instance_that_is_gone_comes_again(lab: Lab, sdk: Clients) -> None:
    gone = lab.outputs()["instance_id"]
    sdk.ecs.delete_instance(ecs.DeleteInstanceRequest(instance_id=gone, force=True))
    eventually("the instance is gone", lambda: instance(sdk, gone) is None, within_s=60)
    assert {"instance", "attachment"} <= to_change(lab)
    succeed(lab, "up", "--refresh", "--yes", "--skip-preview")
    made = lab.outputs()
    assert made["instance_id"] != gone
    shown = ha_vip(sdk, made["vip_id"])
    assert shown.associated_instances.associated_instance == [made["instance_id"]]
    assert is_as_wanted(lab)


def test_an_instance_stays_the_same_one_with_other_user_data_host_name_type_and_disk(
    lab: Lab, sdk: Clients
) -> None:
    """The provider changes it, stops it and starts it; a changed image is a new disk."""
    made = lab.outputs()
    script = "#!/bin/sh\nhostname >/root/ran\n"
    for key, value in {"userData": script, "host": "two", "type": "ecs.g7.xlarge"}.items():
        lab.engine.must("config", "set", key, value)
    succeed(lab, "up", "--yes", "--skip-preview")
    assert lab.outputs() == made
    shown = instance(sdk, made["instance_id"])
    assert (shown.status, shown.host_name, shown.instance_type) == ("Running", "two", "ecs.g7.xlarge")
    machines = Machines(lab.settings)
    machines.run(made["instance_id"], ["cloud-init", "status", "--wait"])
    assert machines.run(made["instance_id"], ["hostname"]).strip() == "two"
    asked = ecs.DescribeUserDataRequest(region_id=REGION, instance_id=made["instance_id"])
    held = sdk.ecs.describe_user_data(asked).body.user_data
    assert base64.b64decode(held).decode() == script
    assert machines.run(made["instance_id"], ["find", "/root", "-name", "ran"]) == "", "it is no first boot"
    assert is_as_wanted(lab)

    lab.engine.must("config", "set", "image", "debian_11_11_x64_20G_alibase_20240926.vhd")
    succeed(lab, "up", "--yes", "--skip-preview")
    assert lab.outputs() == made
    shown = instance(sdk, made["instance_id"])
    assert (shown.status, shown.key_pair_name) == ("Running", "cloud")
    machines.run(made["instance_id"], ["cloud-init", "status", "--wait"])
    assert "bullseye" in machines.run(made["instance_id"], ["cat", "/etc/os-release"])
    assert machines.run(made["instance_id"], ["cat", "/root/ran"]).strip() == "two", "a new disk boots first"
    assert is_as_wanted(lab)


def test_the_provider_asks_for_nothing_the_sandbox_does_not_serve(lab: Lab) -> None:
    """It does without the answer to some questions, and says nothing."""
    assert is_as_wanted(lab)
    assert lab.cloud()["not_served"] == {}


def test_every_kind_of_resource_changes_in_place_or_is_replaced(lab: Lab, sdk: Clients) -> None:
    before = lab.outputs()
    for key, value in {"label": "second", "bandwidth": "7", "inner": "Drop", "ports": "443/443"}.items():
        lab.engine.must("config", "set", key, value)
    succeed(lab, "up", "--yes", "--skip-preview")
    assert lab.outputs() == before, "only rules are replaced, everything else changes in place"
    assert is_as_wanted(lab)
    shown = ha_vip(sdk, before["vip_id"])
    assert (shown.name, shown.description, shown.tags.tag[0].value) == ("second", "second", "second")
    assert instance(sdk, before["instance_id"]).instance_name == "second"
    assert (eip(sdk, before["allocation_id"]).name, eip(sdk, before["allocation_id"]).bandwidth) == (
        "second",
        "7",
    )
    group = sdk.ecs.describe_security_group_attribute(
        ecs.DescribeSecurityGroupAttributeRequest(region_id=REGION, security_group_id=before["group_id"])
    ).body
    assert group.inner_access_policy == "Drop"
    assert {rule.port_range for rule in group.permissions.permission} == {"443/443"}

    lab.engine.must("config", "set", "vip", "10.0.0.20")
    succeed(lab, "up", "--yes", "--skip-preview")
    after = lab.outputs()
    assert after["vip_id"] != before["vip_id"]
    moved = ha_vip(sdk, after["vip_id"])
    assert moved.ip_address == "10.0.0.20"
    assert moved.associated_instances.associated_instance == [after["instance_id"]]
    assert eip(sdk, after["allocation_id"]).instance_id == after["vip_id"]
    assert is_as_wanted(lab)
