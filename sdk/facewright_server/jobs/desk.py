"""Where the services hand operations in and ask for them: the store, awaited, for the event loop."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy.exc import IntegrityError

from facewright_server.config import ServerConfig
from facewright_server.errors import StorageError
from facewright_server.jobs.records import NewOperation, OperationRecord
from facewright_server.jobs.runner import cancelled_status
from facewright_server.jobs.store import (
    OperationQuery,
    create_operation,
    delete_operation,
    done_among,
    find_operation,
    is_request_known,
    list_operations,
    request_cancel,
)
from facewright_server.jobs.supervisor import JobSupervisor
from facewright_server.persistence import Database

__all__ = ["JobDesk"]

_WATCH_SECS = 0.2
_log = logging.getLogger(__name__)


class JobDesk:
    """Made and used on one event loop: `start` before the first call, `close` after the last."""

    def __init__(
        self, config: ServerConfig, database: Database, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._database = database
        self._wall_clock = wall_clock
        self._supervisor = JobSupervisor(config, database)
        self._watch = _DoneWatch(database)

    @property
    def has_work(self) -> bool:
        """Whether operations are open."""
        return self._supervisor.has_work

    def start(self) -> None:
        """Take up what is open, also from before this server."""
        self._supervisor.start()

    async def create(self, new: NewOperation, *, max_open: int | None = None) -> OperationRecord:
        """`max_open` is for this client, in the place of the server's limit.

        Raises `RequestReusedError`, `QuotaError`, `StorageError`.
        """
        create = partial(
            create_operation,
            new=new,
            now=self._wall_clock(),
            max_open=max_open or self._config.max_client_operations,
        )
        try:
            record = await self._database.run(create)
        except IntegrityError:  # the same request_id, at the same moment, through another server
            record = await self._database.run(create)
        self._supervisor.poke()
        return record

    async def is_known(self, new: NewOperation) -> bool:
        """Whether an earlier call made this operation. Raises `RequestReusedError`, `StorageError`."""
        return await self._database.run(partial(is_request_known, new=new))

    async def find(self, name: str, *, owner: str) -> OperationRecord:
        """Raises `UnknownOperationError`, `StorageError`."""
        return await self._database.run(partial(find_operation, name=name, owner=owner))

    async def list(
        self, query: OperationQuery, *, owner: str, limit: int
    ) -> tuple[list[OperationRecord], bool]:
        """Newest first, and whether there are more. Raises `StorageError`."""
        max_bytes = self._config.max_message_bytes // 2
        return await self._database.run(
            partial(list_operations, query=query, owner=owner, limit=limit, max_bytes=max_bytes)
        )

    async def cancel(self, name: str, *, owner: str) -> None:
        """Raises `UnknownOperationError`, `StorageError`."""
        now = self._wall_clock()
        await self._database.run(
            partial(
                request_cancel,
                name=name,
                owner=owner,
                now=now,
                expire_secs=now + self._config.operation_ttl_secs,
                status=cancelled_status(name).SerializeToString(),
            )
        )

    async def delete(self, name: str, *, owner: str) -> None:
        """Raises `UnknownOperationError`, `OperationNotDoneError`, `StorageError`."""
        await self._database.run(partial(delete_operation, name=name, owner=owner))

    async def wait(self, name: str, *, owner: str, timeout_secs: float) -> OperationRecord:
        """The operation when it is done or the time is over, without a thread waiting with it.

        Raises `UnknownOperationError`, `StorageError`.
        """
        record = await self.find(name, owner=owner)
        if record.state.is_done or timeout_secs <= 0:
            return record
        await self._watch.until_done(name, timeout_secs=timeout_secs)
        return await self.find(name, owner=owner)

    async def close(self) -> None:
        """Answer those who wait with how things stand, and let the workers go."""
        await self._watch.close()
        await self._supervisor.close()


class _DoneWatch:
    """One question to the database every 0.2 s for all who wait, however many they are; none without them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    async def until_done(self, name: str, *, timeout_secs: float) -> None:
        if self._is_closed:
            return
        event = asyncio.Event()
        self._waiting.setdefault(name, set()).add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), timeout_secs)
        finally:
            self._waiting[name].discard(event)
            if not self._waiting[name]:
                del self._waiting[name]

    async def close(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._wake(set(self._waiting))

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(_WATCH_SECS)
            if not self._waiting:
                return
            try:
                self._wake(await self._database.run(partial(done_among, names=tuple(self._waiting))))
            except StorageError as error:
                _log.warning("cannot see which operations are done: %s", error)

    def _wake(self, names: set[str]) -> None:
        for name in names:
            for event in self._waiting.get(name, ()):
                event.set()
