"""The cloud: the one place where state changes, reaches the disk, and becomes a network and hosts."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from sandbox.cloud import errors, instances
from sandbox.cloud.dataplane import DataPlane, HostState
from sandbox.cloud.lanes import Lanes
from sandbox.cloud.session import Offer, Session
from sandbox.cloud.state import Instance, Phase, State
from sandbox.cloud.store import Store
from sandbox.cloud.topology import build
from sandbox.cloud.transitions import Work, settle

log = logging.getLogger(__name__)
OFF = (HostState.STOPPED, HostState.ABSENT)
T = TypeVar("T")


class Cloud:
    """All resources of one sandbox. Calls may come from any thread.

    A change is made on a copy, saved, made real in the network, and only then seen by others: who was
    answered can rely on it, whatever happens to the process.
    """

    def __init__(self, store: Store, plane: DataPlane, offer: Offer) -> None:
        self._store = store
        self._plane = plane
        self._offer = offer
        self._writing = threading.Lock()
        self._lanes = Lanes(self._perform)
        self._state = store.load()
        self._dead: set[str] = set()
        """Instances whose host was found dead when it was last looked."""

    def start(self) -> None:
        """Take everything up as the state has it: after a start, a crash, or a reboot of the machine."""
        with self._writing:
            draft = self._state.model_copy(deep=True)
            self._complete(draft)
            self._save(draft)
            self._plane.apply(build(draft))
            for instance_id, work in self._unfinished(draft):
                self._lanes.submit(instance_id, work)

    def tend(self) -> None:
        """Mend what died by itself: to be called every few seconds, by one thread.

        A host that died is booted again, as the cloud does with an instance whose hardware fails (ActionOnMaintenance
        is AutoRecover). It must be found so twice: one that is being started by a fault that heals is not there yet.
        """
        with self._writing:
            self._plane.tend()
        dead = {instance.id for instance in self._state.instances.values() if self._died(instance)}
        for instance_id in dead & self._dead:
            log.warning("%s died; it is started anew", instance_id)
            self._lanes.submit(instance_id, Work.START)
        self._dead = dead

    def _died(self, instance: Instance) -> bool:
        wanted = instance.phase is Phase.PLACED and instance.powered and not instance.failure
        return wanted and self._lanes.under_way(instance.id) is None and self._plane.died(instance.id)

    def stop(self, timeout: float = 10) -> None:
        """Begin nothing more; hosts go on running."""
        if not self._lanes.close(timeout):
            log.warning("work at some host is still going on; the next start takes it up again")

    def settle(self, timeout: float) -> None:
        """Wait for everything that is under way, or raise TimeoutError after ``timeout`` seconds."""
        self._lanes.settle(timeout)

    def read(self, region: str) -> Session:
        """Return a session on the state as it is; nothing in it may be changed."""
        return self._session(self._state, region)

    @contextmanager
    def change(self, region: str) -> Iterator[Session]:
        """Give a session on a draft, which becomes the state unless an exception leaves the block."""
        with self._writing:
            draft = self._state.model_copy(deep=True)
            self._complete(draft)
            session = self._session(draft, region)
            yield session
            self._commit(draft)
            for instance_id, work in session.work:
                self._lanes.submit(instance_id, work)
            if any(vip.moving for vip in draft.ha_vips.values()):
                threading.Thread(target=self._settle_ha_vips, name="ha-vips", daemon=True).start()

    def _session(self, state: State, region: str) -> Session:
        return Session(state, self._plane, self._offer, self._lanes.under_way, region)

    def _commit(self, draft: State) -> None:
        before = self._state
        self._save(draft)
        wanted, had = build(draft), build(before)
        if wanted == had:
            return
        try:
            self._plane.apply(wanted)
        except Exception as error:
            log.exception("the network refused a change")
            self._save(before)
            with suppress(Exception):
                self._plane.apply(had)
            raise errors.common.SandboxFailure(
                f"the sandbox's network refused the change: {error}"
            ) from error

    def _save(self, state: State) -> None:
        self._store.save(state)
        self._state = state

    @staticmethod
    def _complete(draft: State) -> None:
        """Bring what a former call left under way to its end, and forget old client tokens."""
        for vip in draft.ha_vips.values():
            settle(vip)
        now = time.time()
        draft.replies = {token: reply for token, reply in draft.replies.items() if reply.until > now}

    def _settle_ha_vips(self) -> None:
        try:
            with self.change(region=""):
                pass
        except errors.ApiError:
            log.exception("a HaVip's attachment could not be made real")

    def _unfinished(self, state: State) -> Iterator[tuple[str, Work]]:
        for instance in state.instances.values():
            host = self._plane.state(instance.id)
            if instance.phase is Phase.RELEASING:
                yield instance.id, Work.DELETE
            elif instance.phase is Phase.CREATING:
                yield instance.id, Work.CREATE
            elif instance.phase is Phase.PLACED and instance.powered and host is HostState.STOPPED:
                yield instance.id, Work.START
            elif instance.phase is Phase.PLACED and not instance.powered and host not in OFF:
                yield instance.id, Work.STOP

    def _perform(self, instance_id: str, work: Work) -> None:
        """Do one thing at one host; what goes wrong is written to its record, for people to read."""
        try:
            self._at_host(instance_id, work)
            self._note(instance_id, "")
        except Exception as error:
            log.exception("%s of %s failed", work.value, instance_id)
            self._note(instance_id, f"{work.value}: {str(error) or type(error).__name__}")

    def _at_host(self, instance_id: str, work: Work) -> None:
        plane = self._plane
        match work:
            case Work.CREATE:
                self._create(instance_id)
            case Work.START:
                self._prepare(instance_id)
                plane.start(instance_id)
            case Work.STOP | Work.FORCE_STOP:
                plane.stop(instance_id, force=work is Work.FORCE_STOP)
            case Work.REBOOT | Work.FORCE_REBOOT:
                self._prepare(instance_id)
                plane.reboot(instance_id, force=work is Work.FORCE_REBOOT)
            case Work.DELETE:
                plane.delete(instance_id)
                with self.change(region="") as session:
                    session.state.instances.pop(instance_id, None)

    def _create(self, instance_id: str) -> None:
        # A host may be there, half made, from a process that was killed.
        self._plane.delete(instance_id)
        self._prepare(instance_id)
        with self.change(region="") as session:
            instance = session.state.instances[instance_id]
            if instance.phase is Phase.CREATING:
                instance.phase = Phase.PLACED
            powered = instance.powered and instance.phase is Phase.PLACED
        if powered:
            self._plane.start(instance_id)

    def _prepare(self, instance_id: str) -> None:
        """Give a host what its record says: a key pair attached meanwhile is in force from the next boot."""
        self._plane.create(instances.host_spec(self._state, instance_id))

    def _note(self, instance_id: str, failure: str) -> None:
        """Write down how the last work at a host ended: an empty text is a success."""
        known = self._state.instances.get(instance_id)
        if known is None or known.failure == failure:
            return
        try:
            with self.change(region="") as session:
                instance = session.state.instances.get(instance_id)
                if instance is None:
                    return
                instance.failure = failure
                if failure and instance.phase is Phase.CREATING:
                    instance.phase = Phase.FAILED
        except Exception:
            log.exception("%s: %r could not be recorded", instance_id, failure)
