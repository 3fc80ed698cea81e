"""The least a program with these plugins can do, and as many resources as it is told, with nothing of ours."""

import pulumi
from pulumi_alicloud import vpc
from pulumi_command import local

config = pulumi.Config()

vpc.Network("bare", cidr_block="192.168.0.0/24")
for number in range(config.get_int("commands") or 0):
    local.Command(f"command-{number}", create="true", stdin="x" * config.require_int("stdinBytes"))
