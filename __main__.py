"""A highly available kube-apiserver endpoint: configuration -> components -> outputs."""

from functools import partial
from typing import Any, cast

import pulumi

from components import ApiServerVip, ApiServerVipArgs, Masters, MastersArgs, Network, NetworkArgs
from components.preflight import configured, interrupted, reach
from components.rules.violations import together

configured.quiet_interrupts()
config = pulumi.Config()
name = f"{config.get('name') or 'k8s'}-{pulumi.get_stack()}"
former_name = config.get("formerName") or ""
renamed = former_name not in ("", name)
options = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=former_name)] if renamed else [])
tags = config.get_object("tags") or {}
port = config.get_int("port")
additional_ports = config.get_object("additionalPorts") or []

# --- what the configuration says, checked before anything is registered ---------------------------------------

configured.check_endpoints(pulumi.Config("alicloud").get_object("endpoints") or [])
place = {key: config.get(key) or "" for key in ("vswitchId", "vpcId")}
vswitch_cidr = configured.vswitch_cidr(config.get("vswitchCidr") or "", place)
given = config.require_object("masters")
masters = configured.masters(given, vswitch_cidr)
security_groups = configured.security_groups(config.get_object("securityGroupIds") or [], masters, place)
address_of = {master["name"]: master["address"] for master in masters}
ssh_of, backend_of = configured.ssh_args(given), configured.backend_args(given)
balancing = configured.balancers(config.get_object("balancers") or [], masters)
key_file = config.get("sshPrivateKeyFile") or "~/.ssh/id_ed25519"
passphrase = config.get("sshKeyPassphrase") or ""
key = {"private_key": configured.private_key(key_file, passphrase), "private_key_password": passphrase}
proxy = configured.ssh_proxy(config.get_object("sshProxy") or {}, key)
created = [master for master in masters if "instance_id" not in master]
public = config.get_bool("publicEndpoint") or False
own_rules = {key: config.get_object(key) or [] for key in ("sshCidrs", "apiCidrs")}
user_data_file = config.get("userDataFile") if created else ""
user_data = configured.text_of("userDataFile", user_data_file) if user_data_file else ""
public_key = configured.text_of("sshPrivateKeyFile", f"{key_file}.pub") if created else ""

endpoint: dict[str, Any] = {
    "vswitch_cidr": vswitch_cidr,
    "vip": config.get("vip") or None,
    "port": port,
    "additional_ports": additional_ports,
    "backend_port": config.get_int("backendPort"),
    "monitor_port": config.get_int("monitorPort"),
    "failover": config.get_object("failover") or {},
    "haproxy": config.get_object("haproxy") or {},
    "keepalived": config.get_object("keepalived") or {},
    "health_check": config.get_object("healthCheck") or {},
    "packages": config.get_object("packages") or {},
    "take_over": config.get_bool("takeOver") or False,
    "adopt": config.get_object("adopt") or None,
    "verify": config.get("verify") or "auto",
    "verify_timeout_s": config.get_int("verifyTimeoutS"),
    "ssh": {"user": config.get("sshUser") or "root", **key, "proxy": proxy or None},
    "eip": {} if public else None,
    "tags": tags,
    "backends": [{**backend, "ssh": ssh_of[one]} for one, backend in backend_of.items()],
    "balancers": [
        {"name": one, "address": address_of[one], "ssh": ssh_of[one]}  # the first is the planned holder
        for one in balancing
    ],
}
around = {
    "zone_id": config.get("zoneId") or "",
    "vpc_cidr": config.get("vpcCidr") or None,
    "vswitch_cidr": vswitch_cidr,
    "vpc_id": place["vpcId"],
    "vswitch_id": place["vswitchId"],
    "ssh_cidrs": own_rules["sshCidrs"],
    "api_cidrs": own_rules["apiCidrs"],
    "api_port": port,
    "additional_api_ports": additional_ports,
    "tags": tags,
}
machines = {
    "masters": masters,
    "vswitch_cidr": vswitch_cidr,
    "security_group_ids": [*security_groups],
    "image_id": config.get("imageId") or "",
    "instance_type": config.get("instanceType") or None,
    "public_key": public_key,
    "user_data": user_data,
    "public": config.get_bool("publicMasters") or False,
    "tags": tags,
}
checks = [partial(ApiServerVip.check, name, endpoint), partial(Masters.check, name, machines)]
if created:
    checks.append(partial(Network.check, name, around))
if created and not security_groups:
    checks.append(partial(configured.check_public, public=public, api_cidrs=own_rules["apiCidrs"]))
together(name, *checks)
deployment = interrupted.deployment()
attached = [one["instance_id"] for one in masters if one["name"] in balancing and "instance_id" in one]
interrupted.check(deployment, vips=[endpoint["vip"] or ""], instances=attached)
configured.check_name(name, former_name, deployment)
if not pulumi.runtime.is_dry_run():
    reach.check(configured.logins(masters, balancing, endpoint["ssh"]))

# --- the network and the masters, unless they are there already ------------------------------------------------

vswitch_id: pulumi.Input[str] = place["vswitchId"]
security_group_id: pulumi.Input[str] = ""
if not created:
    configured.warn_idle({**own_rules, "securityGroupIds": security_groups})
elif len(created) < len(masters):
    configured.warn_partial(own_rules, created)
if created:
    network = Network(name, cast(NetworkArgs, around), options)
    vswitch_id, security_group_id = network.vswitch_id, network.security_group_id

placed = {**machines, "vswitch_id": vswitch_id, "security_group_id": security_group_id}
control_plane = Masters(name, cast(MastersArgs, placed), options)

# --- the endpoint -------------------------------------------------------------------------------------------------

hosts = {
    master.name: {
        "name": master.name,
        "address": master.address,
        "instance_id": master.instance_id,
        "instance": master.instance,
        "ssh": {"host": master.ssh_host, **ssh_of[master.name]},
    }
    for master in control_plane.masters
}
arguments = {
    **endpoint,
    "vswitch_id": vswitch_id,
    "balancers": [hosts[one] for one in balancing],
    "backends": [{**hosts[one], **backend} for one, backend in backend_of.items()],
}
vip = ApiServerVip(name, cast(ApiServerVipArgs, arguments), options)
vip.export()
