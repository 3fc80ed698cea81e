"""Print what the installed pulumi-command SDK says about its resources, as JSON (see sdk.json)."""

import inspect
import json
import re
import sys
from typing import Any

from pulumi_command import local, remote


def wire_names(cls: type) -> dict[str, str]:
    """Map a class's Python property names to the names on the wire."""
    found = inspect.getmembers(cls, lambda member: isinstance(member, property))
    return {name: getattr(prop.fget, "_pulumi_name", name) for name, prop in found}


def fields(cls: type) -> dict[str, Any]:
    """List names, required names and defaults of an input class."""
    names = wire_names(cls)
    parameters = inspect.signature(cls).parameters.values()
    required = {p.name: "x" for p in parameters if p.default is inspect.Parameter.empty}
    made = cls(**required)
    defaults = {
        names[n]: getattr(made, n) for n in names if n not in required and getattr(made, n) is not None
    }
    return {
        "names": sorted(names.values()),
        "required": sorted(names[n] for n in required),
        "defaults": defaults,
    }


def resource(cls: type, args: type) -> dict[str, Any]:
    """List inputs, outputs, secrets and replacing inputs of a resource class."""
    outputs = {
        n: w for n, w in wire_names(cls).items() if n not in {"urn", "id"} and not n.startswith("pulumi_")
    }
    source = inspect.getsource(cls)

    def listed(option: str) -> list[str]:
        match = re.search(rf"{option}=(\[.*?\])\)", source)
        return json.loads(match.group(1).replace("'", '"')) if match else []

    return {
        "inputs": fields(args),
        "outputs": sorted(outputs.values()),
        "secrets": listed("additional_secret_outputs"),
        "replaces": [path.removesuffix("[*]") for path in listed("replace_on_changes")],
    }


def function() -> dict[str, Any]:
    """List arguments and results of local.run."""
    sent = re.findall(r"__args__\['(\w+)'\]", inspect.getsource(local.run))
    return {"inputs": sorted(sent), "outputs": sorted(wire_names(local.RunResult).values())}


json.dump(
    {
        "resources": {
            "command:local:Command": resource(local.Command, local.CommandArgs),
            "command:remote:Command": resource(remote.Command, remote.CommandArgs),
            "command:remote:CopyFile": resource(remote.CopyFile, remote.CopyFileArgs),
            "command:remote:CopyToRemote": resource(remote.CopyToRemote, remote.CopyToRemoteArgs),
        },
        "types": {
            "command:remote:Connection": fields(remote.ConnectionArgs),
            "command:remote:ProxyConnection": fields(remote.ProxyConnectionArgs),
        },
        "enums": {
            "command:local:Logging": [mode.value for mode in local.Logging],
            "command:remote:Logging": [mode.value for mode in remote.Logging],
        },
        "functions": {"command:local:run": function()},
    },
    sys.stdout,
    indent=2,
    sort_keys=True,
)
