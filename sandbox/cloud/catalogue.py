"""What the sandbox's cloud has to offer: regions, zones, instance types and images."""

from dataclasses import dataclass

REGIONS = (
    "cn-hangzhou",
    "cn-shanghai",
    "cn-beijing",
    "cn-shenzhen",
    "cn-chengdu",
    "cn-hongkong",
    "ap-southeast-1",
    "eu-central-1",
    "us-west-1",
)
_ZONES = "abhijk"
DISK_CATEGORIES = ("cloud_essd", "cloud_auto", "cloud_efficiency", "cloud_ssd")


def zones(region: str) -> tuple[str, ...]:
    """Return a region's zones: cn-hangzhou-h, or ap-southeast-1a where its name ends in a digit."""
    separator = "" if region[-1].isdigit() else "-"
    return tuple(f"{region}{separator}{letter}" for letter in _ZONES)


@dataclass(frozen=True)
class InstanceType:
    """One instance type; ``memory`` in GiB."""

    id: str
    cores: int
    memory: float

    @property
    def family(self) -> str:
        """ecs.g7 of ecs.g7.large."""
        return self.id.rsplit(".", 1)[0]


_FAMILIES = {"g6": 4, "g7": 4, "g8i": 4, "c6": 2, "c7": 2, "r7": 8}
_SIZES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}

INSTANCE_TYPES: dict[str, InstanceType] = {
    kind.id: kind
    for kind in (
        InstanceType("ecs.t6-c1m1.large", 2, 2),
        InstanceType("ecs.t6-c1m2.large", 2, 4),
        InstanceType("ecs.e-c1m2.large", 2, 4),
        InstanceType("ecs.u1-c1m2.large", 2, 4),
        InstanceType("ecs.u1-c1m4.xlarge", 4, 16),
        *(
            InstanceType(f"ecs.{family}.{size}", cores, float(cores * ratio))
            for family, ratio in _FAMILIES.items()
            for size, cores in _SIZES.items()
        ),
    )
}


@dataclass(frozen=True)
class Image:
    """One public image; ``size`` in GiB, ``created`` ISO 8601."""

    id: str
    os_name: str
    platform: str
    created: str
    size: int = 20
