"""What people have before they know this project: a HaVip from the console, two hosts set up by hand after a how-to."""

from collections.abc import Iterable
from functools import partial

from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client

from sandbox.control import Control
from tests.e2e.lab import Lab
from tests.waiting import eventually

NAME = "made-by-hand"
REGION = "cn-hangzhou"
FILES = ("/etc/haproxy/haproxy.cfg", "/etc/keepalived/keepalived.conf", "/etc/keepalived/check_apiserver.sh")
HAPROXY = """\
global
  maxconn  2000
  ulimit-n  16384
  log  127.0.0.1 local0 err
  stats timeout 30s

defaults
  log global
  mode  http
  option  httplog
  timeout connect 5000
  timeout client  50000
  timeout server  50000

frontend k8s-master
  bind 0.0.0.0:16443
  mode tcp
  default_backend k8s-master

backend k8s-master
  mode tcp
  balance roundrobin
  default-server inter 10s downinter 5s rise 2 fall 2 slowstart 60s maxconn 250 maxqueue 256 weight 100
"""
KEEPALIVED = """\
global_defs {
    script_user root
    enable_script_security
}
vrrp_script chk_apiserver {
    script "/etc/keepalived/check_apiserver.sh"
    interval 5
    weight -5
    fall 2
    rise 1
}
vrrp_instance VI_1 {
    state STATE
    interface INTERFACE
    unicast_src_ip OWN
    virtual_router_id 52
    priority PRIORITY
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass K8SHA_KA_AUTH
    }
    unicast_peer {
        PEER
    }
    virtual_ipaddress {
        VIP
    }
    track_script {
        chk_apiserver
    }
}
"""
CHECK = """\
#!/bin/bash
err=0
for k in $(seq 1 3)
do
    check_code=$(pgrep haproxy)
    if [[ $check_code == "" ]]; then
        err=$(expr $err + 1)
        sleep 1
        continue
    else
        err=0
        break
    fi
done

if [[ $err != "0" ]]; then
    /usr/bin/systemctl stop keepalived
    exit 1
fi
"""
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get update -qq && apt-get install -y -qq haproxy keepalived >/dev/null"


class Console:
    """The cloud, as somebody uses it past Pulumi."""

    def __init__(self, lab: Lab) -> None:
        """Log in to the sandbox of `lab`."""
        status = Control(lab.settings).status()
        self._client = Client(
            Config(
                access_key_id=status.access_key_id,
                access_key_secret=status.access_key_secret,
                region_id=REGION,
                endpoint=lab.settings.endpoint,
                ca=str(status.ca_bundle),
            )
        )

    def make(self, vswitch: str, vip: str, instances: list[str]) -> str:
        """Make a HaVip with these instances attached; its id."""
        call = models.CreateHaVipRequest(region_id=REGION, v_switch_id=vswitch, ip_address=vip, name=NAME)
        made: str = self._client.create_ha_vip(call).body.ha_vip_id
        for instance in instances:
            attach = models.AssociateHaVipRequest(
                region_id=REGION, ha_vip_id=made, instance_id=instance, instance_type="EcsInstance"
            )
            self._client.associate_ha_vip(attach)
            eventually(f"{instance} is attached", partial(self._settled, made, instance), within_s=60)
        return made

    def shows(self, ha_vip: str) -> tuple[str, set[str]]:
        """Name and attached instances of a HaVip."""
        found = self._one(ha_vip)
        return found.name, set(found.associated_instances.associated_instance)

    def remove(self, ha_vip: str) -> None:
        """Detach everything and delete the HaVip."""
        for instance in self.shows(ha_vip)[1]:
            detach = models.UnassociateHaVipRequest(
                region_id=REGION, ha_vip_id=ha_vip, instance_id=instance, force="True"
            )
            self._client.unassociate_ha_vip(detach)
            eventually(f"{instance} is off", partial(self._is_off, ha_vip, instance), within_s=60)
        self._client.delete_ha_vip(models.DeleteHaVipRequest(region_id=REGION, ha_vip_id=ha_vip))

    def _settled(self, ha_vip: str, instance: str) -> bool:
        found = self._one(ha_vip)
        return found.status in ("Available", "InUse") and instance in self.shows(ha_vip)[1]

    def _is_off(self, ha_vip: str, instance: str) -> bool:
        return instance not in self.shows(ha_vip)[1]

    def _one(self, ha_vip: str) -> models.DescribeHaVipsResponseBodyHaVipsHaVip:
        named = models.DescribeHaVipsRequestFilter(key="HaVipId", value=[ha_vip])
        call = models.DescribeHaVipsRequest(region_id=REGION, filter=[named])
        (found,) = self._client.describe_ha_vips(call).body.ha_vips.ha_vip
        return found


def set_up(lab: Lab, vip: str, addresses: dict[str, str]) -> None:
    """Install and configure both services by hand on the first two of `addresses`, which balance over all."""
    haproxy = HAPROXY + "".join(f"  server {name} {one}:6443 check\n" for name, one in addresses.items())
    (first, one), (second, other) = list(addresses.items())[:2]
    for host, own, peer, state, priority in (
        (first, one, other, "MASTER", "100"),
        (second, other, one, "BACKUP", "99"),
    ):
        lab.ssh(host, INSTALL)
        interface = lab.ssh(host, f"ip -o -4 address show to {own}").split()[1]
        keepalived = KEEPALIVED
        for word, value in {
            "STATE": state,
            "INTERFACE": interface,
            "OWN": own,
            "PRIORITY": priority,
            "PEER": peer,
            "VIP": vip,
        }.items():
            keepalived = keepalived.replace(f" {word}\n", f" {value}\n")
        for path, text in zip(FILES, (haproxy, keepalived, CHECK), strict=True):
            lab.ssh(host, f"cat > {path}", stdin=text)
        lab.ssh(host, f"chmod +x {FILES[2]} && systemctl enable -q haproxy keepalived")
        lab.ssh(host, "systemctl restart haproxy keepalived")


def take_down(lab: Lab, hosts: Iterable[str]) -> None:
    """Leave the hosts as they were before `set_up`."""
    for host in hosts:
        lab.ssh(
            host, "apt-get purge -qq --yes haproxy keepalived >/dev/null; rm -rf /etc/haproxy /etc/keepalived"
        )


def files(lab: Lab, host: str) -> str:
    """What is in the files of `host` that were written by hand, and whether they are in use."""
    return lab.ssh(host, f"sha256sum {' '.join(FILES)}; systemctl is-active haproxy keepalived", check=False)
