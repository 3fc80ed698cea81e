"""A recording stand-in for the Pulumi engine."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.proto import resource_pb2

HAVIP_PICKED = "10.0.0.99"
UNAVAILABLE = "ServiceUnavailable"
"""In place of a master: the cloud refuses the question."""
HOST_KEY = "ecdsa-sha2-nistp256 AAAAlearned"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""What marks a secret on the wire (Pulumi's resource property serialization)."""
COMPUTED: dict[str, dict[str, Any]] = {
    "alicloud:vpc/haVipv2:HaVipv2": {"ipAddress": HAVIP_PICKED},
    "alicloud:ecs/eipAddress:EipAddress": {"ipAddress": "203.0.113.10"},
    "command:local:Command": {"stdout": HOST_KEY},
}
"""What a real run adds to a resource, by its type, or by TYPE::NAME of one."""


@dataclass
class Registered:
    """One resource as the engine was told of it."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    depends_on: frozenset[str]
    built_on: frozenset[str]
    """Of these, what its inputs come from: it may be replaced with them."""
    deleted_with: str
    delete_before_replace: bool
    protect: bool
    provider: str
    """Name of an explicit provider."""
    aliases: frozenset[str]
    """Names it had, and URNs."""
    import_id: str
    ignore_changes: tuple[str, ...]
    retain_on_delete: bool
    secrets: frozenset[str]
    """Names of inputs that hold a secret."""


def revealed(value: Any) -> Any:
    """Return an input as it is without the mark of a secret."""
    return value["value"] if isinstance(value, dict) and _SECRET in value.values() else value


@dataclass
class Recorder(mocks.Mocks):
    """Answers like a provider: an id, the inputs, and what only a real run computes."""

    preview: bool
    masters: list[str]
    """What the cloud says of the HaVip's master, one question after the other; the last one stands."""
    attached: tuple[str, ...] = ("i-1", "i-2")
    """The instances that the cloud says are attached to it."""
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """The providers that were asked for it, by name; empty for the default one."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        known = {
            key: value for key, value in args.inputs.items() if not isinstance(value, pulumi.output.Unknown)
        }
        self.inputs[f"{args.typ}::{args.name}"] = known
        by_name = COMPUTED.get(f"{args.typ}::{args.name}")
        computed = {} if self.preview else by_name or COMPUTED.get(args.typ, {})
        return ("" if self.preview else f"id-{args.name}"), {**computed, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token != "alicloud:vpc/getHavips:getHavips":
            raise NotImplementedError(args.token)
        self.asked.append((args.provider or "").rpartition("::")[0].rpartition("::")[2])
        master = self.masters.pop(0) if len(self.masters) > 1 else self.masters[0]
        if master == UNAVAILABLE:
            return {}, [("", UNAVAILABLE)]
        shown = {"masterInstanceId": master, "associatedInstances": [*self.attached]}
        return {"havips": [{"id": args.args["ids"][0], **shown}]}, []


class Monitor(mocks.MockMonitor):
    """Also keeps what mocks do not pass on: parents, dependencies, options."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.recorder = recorder
        self.registered: dict[str, Registered] = {}
        self.complete: set[str] = set()

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802 - gRPC's
        register: Callable[[object], Any] = super().RegisterResource
        response = register(request)
        inputs = self.recorder.inputs.get(f"{request.type}::{request.name}", {})
        self.registered[f"{request.type}::{request.name}"] = Registered(
            type=request.type,
            name=request.name,
            inputs=inputs,
            parent=request.parent.rsplit("::", 1)[-1],
            depends_on=frozenset(urn.rsplit("::", 1)[-1] for urn in request.dependencies),
            built_on=frozenset(
                urn.rsplit("::", 1)[-1] for one in request.propertyDependencies.values() for urn in one.urns
            ),
            deleted_with=request.deletedWith.rsplit("::", 1)[-1],
            delete_before_replace=request.deleteBeforeReplace,
            protect=request.protect,
            provider=request.provider.rpartition("::")[0].rpartition("::")[2],
            aliases=frozenset(alias.urn or alias.spec.name for alias in request.aliases),
            import_id=request.importId,
            ignore_changes=tuple(request.ignoreChanges),
            retain_on_delete=request.retainOnDelete,
            secrets=frozenset(key for key, value in request.object.fields.items() if _SECRET in str(value)),
        )
        return response

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Any:  # noqa: N802
        self.complete.add("::".join(request.urn.rsplit("$", 1)[-1].rsplit("::", 2)[-2:]))
        answer: Callable[[object], Any] = super().RegisterResourceOutputs
        return answer(request)


@dataclass
class Run:
    """What one run of a program registered, and how it ended."""

    resources: dict[str, Registered]
    error: str = ""
    asked: Sequence[str] = ()
    """The providers that were asked who the HaVip's master is."""
    complete: frozenset[str] = frozenset()
    """TYPE::NAME of the components that have registered their outputs."""

    def of(self, type_: str) -> dict[str, Registered]:
        """Return all resources whose type ends with `type_`, by name."""
        return {r.name: r for r in self.resources.values() if r.type.endswith(type_)}


def _abandon(loop: asyncio.AbstractEventLoop) -> None:
    """End what an error left waiting, quietly: the error itself has been seen."""
    loop.set_exception_handler(lambda *_: None)
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.close()


def run(
    program: Callable[[], object],
    *,
    preview: bool,
    masters: Sequence[str] = ("",),
    attached: tuple[str, ...] = ("i-1", "i-2"),
) -> Run:
    """Run `program` on a new engine; the errors of it, and of its Outputs, are its `error`."""
    recorder = Recorder(preview, list(masters), attached)
    monitor = Monitor(recorder)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(recorder, preview=preview, monitor=monitor)
    settings.SETTINGS.rpc_manager.clear()
    settings.SETTINGS.outputs.clear()
    error = ""

    def start() -> None:
        program()

    try:
        loop.run_until_complete(stack.run_pulumi_func(start))
    except pulumi.RunError as failure:
        error = str(failure)
    finally:
        _abandon(loop)
    return Run(monitor.registered, error, recorder.asked, frozenset(monitor.complete))
