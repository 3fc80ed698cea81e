"""``python -m sandbox.api.coverage``: every action the sandbox serves, with the parameters it takes."""

import sys

from sandbox.api import registry
from sandbox.api.dispatch import parameter_names


def table() -> str:
    """Return the table in Markdown; mandatory parameters are bold."""
    lines = ["| product | version | action | parameters |", "|---|---|---|---|"]
    for action in registry.all_actions():
        fields = action.call.model_fields.values()
        named = zip(parameter_names(action.call), fields, strict=True)
        parameters = ", ".join(f"**{name}**" if field.is_required() else name for name, field in named)
        product = registry.PRODUCTS[action.version]
        lines.append(f"| {product} | {action.version} | {action.name} | {parameters} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
