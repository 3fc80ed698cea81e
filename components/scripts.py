"""Programs of ``templates/`` as inputs of commands on the machine that runs Pulumi."""

import pulumi

from components.rendering import render


def hidden(name: str) -> pulumi.Output[str]:
    """Return the program `name`: no secret, but a preview would print all of it on one line."""
    return pulumi.Output.secret(render.local_script(name))
