"""Thin handlers, one module a resource: read the call, let the cloud do it, word the answer.

Importing this package fills the registry.
"""

from sandbox.api.handlers import (
    account,
    catalogue,
    eips,
    ha_vips,
    instance_batches,
    instance_details,
    instances,
    key_pairs,
    networks,
    security_group_rules,
    security_groups,
    tags,
)

__all__ = [
    "account",
    "catalogue",
    "eips",
    "ha_vips",
    "instance_batches",
    "instance_details",
    "instances",
    "key_pairs",
    "networks",
    "security_group_rules",
    "security_groups",
    "tags",
]
