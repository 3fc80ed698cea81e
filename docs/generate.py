"""``python -m docs.generate``: the documents that the code itself can tell.

Written are ``docs/options.md``, ``docs/api-coverage.md``, ``provider/schema.json``, and the tables between two marks in
both READMEs and in ``docs/drill.md``.
"""

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.planning import failover
from docs.arguments import Argument, described
from drill.faults import CATALOGUE
from provider import package
from sandbox.api import coverage

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
DRILL = "docs/drill.md"
NOTICE = "<!-- Written by `make docs` from the code: change it there. -->\n"
OUTPUTS = ("MasterOutput",)
SERVICES = ("HealthCheckArgs", "FailoverArgs", "HaproxyArgs", "KeepalivedArgs")
HOSTS = ("BalancerArgs", "BackendArgs", "SshArgs", "SshProxyArgs", "AdoptArgs", "EipArgs", "PackagesArgs")

INTRODUCTION = """
# Options

Two ways to the same arguments: the [keys of this project's configuration](#configuration), which `__main__.py` reads,
and the [arguments of the components](#apiservervip) for a program of your own. Every rule on them is checked before
anything is changed; one message names all that are broken.

Durations are HAProxy's: `500ms`, `5s`, `1h`, a bare number is milliseconds. Unless it says otherwise, an empty text
or 0 leaves a directive out.

## Configuration

Keys are written `kube-apiserver-havip:KEY` in `Pulumi.STACK.yaml`. `failover`, `haproxy`, `keepalived`,
`healthCheck`, `packages` and `adopt` take the arguments of [FailoverArgs](#failoverargs), [HaproxyArgs](#haproxyargs),
[KeepalivedArgs](#keepalivedargs), [HealthCheckArgs](#healthcheckargs), [PackagesArgs](#packagesargs) and
[AdoptArgs](#adoptargs):

```yaml
config:
  kube-apiserver-havip:haproxy: {timeout_client: 12h, maxconn: 20000}
  kube-apiserver-havip:keepalived: {virtual_router_id: 52}
  kube-apiserver-havip:failover: {preset: tolerant, check_fall: 4}
  kube-apiserver-havip:healthCheck: {expect_status: "200,401"}
```

The same from the command line: `pulumi config set --path haproxy.timeout_client 12h`. `pulumi preview --diff` then
shows which lines of which files change on which hosts.

What has no key (the EIP's bandwidth, a host's own SSH port, user or key, its interface or priority) is set in a
program that uses the components.

"""
COMPONENT = """
## {name}

{description}

`{name}(name, args, opts)`: `args` is a plain dict. Its values may be `Output`s; names of hosts and lists of CIDRs are
plain.

"""
PRESETS = """
### Presets

In parentheses above stand the defaults of fast and tolerant. All timers of each `failover.preset`, and the worst-case
outage in milliseconds that follows from them: two balancers, VRRP version 3, everything else by default. The stack's
output `budget` has the numbers of your own configuration.

"""
COVERAGE = """
# The API the sandbox serves

Actions of Alibaba Cloud's RPC APIs, with the parameters the sandbox understands; mandatory ones are bold. An action or
a parameter that is not here is refused.

"""


def cell(text: str) -> str:
    """Return `text` for a table's cell."""
    return text.replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell(text) for text in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def arguments(attributes: Iterable[Argument]) -> str:
    """Return a table of arguments."""
    rows = [
        (f"`{one.key}`", one.type, "**required**" if one.required else one.default, one.description)
        for one in attributes
    ]
    return table(("key", "type", "default", "description"), rows)


def outputs(attributes: Iterable[Argument]) -> str:
    """Return a table of a component's outputs."""
    return table(
        ("output", "type", "description"), [(f"`{a.key}`", a.type, a.description) for a in attributes]
    )


def configuration() -> str:
    """Return the table of the keys of Pulumi.yaml."""
    keys: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    rows = [(f"`{key}`", _type(spec), _default(spec), spec["description"]) for key, spec in keys.items()]
    return table(("key", "type", "default", "description"), rows)


def _type(spec: dict[str, Any]) -> str:
    return f"list of {spec['items']['type']}" if "items" in spec else str(spec["type"])


def _default(spec: dict[str, Any]) -> str:
    if "default" not in spec:
        return "**required**"
    value = spec["default"]
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value not in ("", [], {}) else ""


def presets() -> str:
    """Return the presets' timers and the budgets that follow from them."""
    every = [dataclasses.asdict(timers) for timers in failover.PRESETS.values()]
    budgets = [failover.budget(timers, 251, 3, tracked=True) for timers in failover.PRESETS.values()]
    rows = [(f"`{key}`", *(str(one[key]) for one in every)) for key in every[0]]
    rows += [(f"budget: `{key}`", *(str(one[key]) for one in budgets)) for key in budgets[0]]
    return table(("timer", *(f"`{preset.value}`" for preset in failover.PRESETS)), rows)


def options() -> str:
    """Return docs/options.md."""
    nested = described("args.py") | described("args_services.py") | described("masters_output.py")
    text = NOTICE + INTRODUCTION + configuration()
    for component, file, parts in (
        ("ApiServerVip", "apiserver_vip.py", (*SERVICES, *HOSTS)),
        ("Network", "network.py", ()),
        ("Masters", "masters.py", ("MasterArgs",)),
    ):
        classes = described(file) | nested
        text += COMPONENT.format(
            name=component, description=classes[component].description.split(". ")[0].rstrip(".") + "."
        )
        text += arguments(classes[f"{component}Args"].attributes)
        text += "\n" + outputs(classes[component].attributes)
        for part in OUTPUTS if component == "ApiServerVip" else ():
            text += f"\n### {part}\n\n{classes[part].description}\n\n{outputs(classes[part].attributes)}"
        for part in parts:
            text += f"\n### {part}\n\n{classes[part].description}\n\n{arguments(classes[part].attributes)}"
            text += PRESETS + presets() if part == "FailoverArgs" else ""
    return text


def needs() -> str:
    """Return the table of what faults need of a stack."""
    faults: dict[str, list[str]] = {}
    for fault in CATALOGUE.values():
        for words in [need.words for need in fault.needs] + ["the sandbox"] * fault.sandbox_only:
            faults.setdefault(words, []).append(f"`{fault.name}`")
    return table(("needs", "faults"), [(words, ", ".join(names)) for words, names in sorted(faults.items())])


def with_table(text: str, mark: str, content: str) -> str:
    """Return a document with a table between the two marks of that name; ``ValueError`` without them."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"a document lacks {begin} ... {end}")
    return f"{before}{begin}\n{content}{end}{after}"


def documents() -> dict[str, str]:
    """Return every generated document by its path in the checkout."""
    found = {"docs/options.md": options(), "docs/api-coverage.md": NOTICE + COVERAGE + coverage.table()}
    found["provider/schema.json"] = package.schema()
    found |= {name: with_table((ROOT / name).read_text(), "options", configuration()) for name in READMES}
    return found | {DRILL: with_table((ROOT / DRILL).read_text(), "needs", needs())}


def main() -> None:
    """Write what differs and say so."""
    for name, text in documents().items():
        file = ROOT / name
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            sys.stdout.write(f"{name} is new\n")


if __name__ == "__main__":
    main()
