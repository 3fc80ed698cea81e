"""The least a program with these plugins can do."""

import pulumi_command  # noqa: F401 - its plugin counts, too
from pulumi_alicloud import vpc

vpc.Network("bare", cidr_block="192.168.0.0/24")
