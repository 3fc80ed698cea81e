"""``python -m sandbox.api.coverage``: every action the sandbox serves, with its parameters and where they come from."""

import sys

from sandbox.api import registry
from sandbox.api.dispatch import parameter_names

REFERENCE = "https://api.alibabacloud.com/document/{product}/{version}/{action}"
"""Where Alibaba Cloud publishes the reference of an action."""


def table() -> str:
    """Return the table in Markdown; mandatory parameters are bold."""
    lines = ["| product | version | action | parameters | source |", "|---|---|---|---|---|"]
    for action in registry.all_actions():
        fields = action.call.model_fields.values()
        named = zip(parameter_names(action.call), fields, strict=True)
        parameters = ", ".join(f"**{name}**" if field.is_required() else name for name, field in named)
        product = registry.PRODUCTS[action.version]
        source = REFERENCE.format(product=product, version=action.version, action=action.name)
        lines.append(
            f"| {product} | {action.version} | {action.name} | {parameters} | [reference]({source}) |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
