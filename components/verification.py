"""The end of an ``up``: everything the endpoint promises is asked, from every host that SSH reaches and from here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi_command import local

from components import agreement, questions, scripts, tokens
from components.questions import Checks
from components.rendering import render

QUESTIONS = "questions"
"""Output of the component, for ``python -m components verify``."""
_SCRIPT = "HAVIP_SCRIPT"
_OLDEST_PYTHON = (3, 9)
_RUN = f"""\
python3 -c 'import sys; sys.exit(sys.version_info < {_OLDEST_PYTHON})' || {{
    echo "the machine that runs Pulumi needs python3, {_OLDEST_PYTHON[0]}.{_OLDEST_PYTHON[1]} or newer, on its PATH: \\
install it, or set verify to off" >&2
    exit 1
}}
exec python3 -c "${_SCRIPT}"
"""


class Verification(pulumi.ComponentResource):
    """One command on the machine that runs Pulumi. It runs again whenever a file, a host or a login changes."""

    agreed: pulumi.Output[bool]
    """Whether the cloud agrees with what this run found; false if it did not look."""

    def __init__(
        self,
        name: str,
        asked: pulumi.Output[dict[str, Any]],
        ha_vip: pulumi.Output[str],
        *,
        balancers: Sequence[pulumi.Output[dict[str, str]]],
        checks: Mapping[str, Checks],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Ask what `asked` says and whether `checks` hold on each balancer, once `after` is there.

        In the end the cloud's master of `ha_vip`, an id, must be the balancer that has the VIP, and every one of
        `balancers` (`agreement.Attached`) be attached to it.
        """
        # Under the name that its parts begin with: a renamed endpoint finds them by their aliases.
        super().__init__(tokens.VERIFICATION, name, {}, opts)
        self._name = name
        # What was verified before is what this run leaves as it was: the VIP may have moved since.
        self._began = datetime.now(UTC)
        command = local.Command(
            f"{name}-verify",
            create=_RUN,
            stdin=questions.with_files(asked, checks, render.tool()),
            environment={_SCRIPT: scripts.hidden("verify.py")},
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        self.agreed = pulumi.Output.all(command.stdout, ha_vip, [*balancers]).apply(self._concluded)
        self.register_outputs({QUESTIONS: asked})

    async def _concluded(self, known: list[Any]) -> bool:
        """Show people what this run found, if it looked at all, and have the cloud agree with it."""
        said, ha_vip, balancers = known
        if pulumi.runtime.is_dry_run() or not agreement.looked(said or "", self._began):
            return False
        for line in said.splitlines():
            # What a command prints is gone from the screen when it ends.
            if line.startswith("note: "):
                pulumi.log.info(line.removeprefix("note: "), self)
        found = agreement.holder(said)
        if found:
            attached = [agreement.Attached(**one) for one in balancers]
            await agreement.demand(self._name, found, ha_vip, attached, self)
        return found is not None
