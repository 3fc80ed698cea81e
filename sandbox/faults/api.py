"""A fault of the emulated API, from outside its server."""

import hashlib
from contextlib import suppress

from pydantic import ValidationError
from typing_extensions import override

from sandbox.api import faults
from sandbox.api.faults import Effect, When
from sandbox.control import Control, NotRunningError
from sandbox.errors import SandboxError
from sandbox.faults.fault import Fault
from sandbox.settings import Settings


class ApiTroubled(Fault):
    """Calls of chosen actions are refused, late or left hanging, before or after they took effect."""

    effect: Effect
    actions: tuple[str, ...] = (faults.ALL,)
    when: When = When.BEFORE
    delay_s: float = 5.0
    """How late a slow answer is, in seconds."""

    @property
    @override
    def key(self) -> str:
        return f"api-{self.effect.value} {self.when.value} {' '.join(sorted(self.actions))}"

    @override
    def inject(self, settings: Settings) -> None:
        try:
            fault = faults.ApiFault(
                id=self._id, effect=self.effect, actions=self.actions, when=self.when, delay_s=self.delay_s
            )
        except ValidationError as invalid:
            raise SandboxError(invalid.errors()[0]["msg"].removeprefix("Value error, ")) from None
        Control(settings).inject(fault.model_dump(mode="json"))

    @override
    def heal(self, settings: Settings) -> None:
        with suppress(NotRunningError):  # its faults ended with it
            Control(settings).heal(self._id)

    @property
    def _id(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]
