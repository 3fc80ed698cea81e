"""Names and descriptions the cloud accepts. Source: API reference, the Name and Description of every Create action."""

from sandbox.cloud import errors
from sandbox.cloud.state import Eip, HaVip, Instance, Resource, SecurityGroup, Vpc, VSwitch

NAME_LENGTH = 128
DESCRIPTION_LENGTH = 256
_LINKS = ("http://", "https://")

_ERRORS: dict[type[Resource], tuple[type[errors.ApiError], type[errors.ApiError]]] = {
    Vpc: (errors.vpc.InvalidVpcName, errors.vpc.InvalidVpcDescription),
    VSwitch: (errors.vpc.InvalidVSwitchName, errors.vpc.InvalidVSwitchDescription),
    SecurityGroup: (errors.ecs.InvalidSecurityGroupName, errors.ecs.InvalidSecurityGroupDescription),
    Instance: (errors.ecs.InvalidInstanceName, errors.vpc.InvalidDescription),
    HaVip: (errors.vpc.InvalidName, errors.vpc.InvalidDescription),
    Eip: (errors.vpc.InvalidName, errors.vpc.InvalidDescription),
}


def describe(resource: Resource, name: str | None, description: str | None) -> None:
    """Give a resource a new name or description, or raise what the cloud says to it; None leaves it as it is."""
    wrong_name, wrong_description = _ERRORS[type(resource)]
    if name is not None:
        resource.name = _checked(name, NAME_LENGTH, wrong_name)
    if description is not None:
        resource.description = _checked(description, DESCRIPTION_LENGTH, wrong_description)


def _checked(text: str, longest: int, error: type[errors.ApiError]) -> str:
    if len(text) > longest:
        raise error(f"it has {len(text)} characters, {longest} are allowed")
    if text.startswith(_LINKS):
        raise error(f"it begins with {' or '.join(_LINKS)}")
    return text
