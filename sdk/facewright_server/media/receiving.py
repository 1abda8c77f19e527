"""Receives the bytes of one upload: hashing and writing go on beside each other and beside receiving.

    event loop:  chunk -> batch ->┬-> hashing  (thread)
                                  └-> writing  (thread): object of a part, synchronised, then its row

Between the lanes wait at most `_WAITING_BATCHES` batches, so the memory of an upload is bounded however fast
the client sends; a full lane stops the reading, and HTTP/2 stops the client.
"""

import asyncio
import dataclasses
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress

from facewright_server.errors import InvalidRequestError
from facewright_server.media import register
from facewright_server.media.records import PartRecord
from facewright_server.media.storage import PartStorage, PartWriter
from facewright_server.persistence import Database

__all__ = ["PartSequence", "UploadReceiver"]

_WAITING_BATCHES = 4


class PartSequence:
    """Writes the parts of one upload, from `offset` on. Blocks; one thread at a time.

    A part is received when its object is safe in storage and its row says so; both happen in `_close_part`.
    """

    def __init__(
        self,
        database: Database,
        storage: PartStorage,
        *,
        media_id: str,
        writer: str,
        offset: int,
        part_bytes: int,
    ) -> None:
        self._database = database
        self._storage = storage
        self._media_id = media_id
        self._writer = writer
        self._part_bytes = part_bytes
        self._open: PartWriter | None = None
        self._part = PartRecord(key="", number=0, offset=offset, size_bytes=0)
        self.received_bytes = offset

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append. Raises `StorageError`; `UploadConflictError` when another call has taken over."""
        if self._open is None:
            self._begin_part()
        if self._open is not None:
            self._open.write(chunks)
            if self._open.size_bytes >= self._part_bytes:
                self._close_part()

    def finish(self) -> None:
        """Make what was written count as received."""
        if self._open is not None:
            self._close_part()

    def abandon(self) -> None:
        """Forget the part that is being written."""
        if self._open is not None:
            part, self._open = self._open, None
            part.abandon()
            with suppress(Exception), self._database.transaction() as connection:
                register.forget_parts(connection, [self._part.key])

    def _begin_part(self) -> None:
        number = self._part.number + 1
        key = f"{self._media_id}-{uuid.uuid4().hex}"
        self._part = PartRecord(key=key, number=number, offset=self.received_bytes, size_bytes=0)
        with self._database.transaction() as connection:
            register.insert_part(connection, self._media_id, self._part, writer=self._writer)
        self._open = self._storage.create(key)

    def _close_part(self) -> None:
        if self._open is None:
            return
        try:
            self._open.finish()
            done = dataclasses.replace(self._part, size_bytes=self._open.size_bytes)
            with self._database.transaction() as connection:
                register.complete_part(connection, self._media_id, done, writer=self._writer)
        except BaseException:
            self.abandon()
            raise
        self._open = None
        self.received_bytes += done.size_bytes


class UploadReceiver:
    """Takes the chunks of one call: `receive`, then in any case `settle`. Lives on the event loop."""

    def __init__(
        self,
        parts: PartSequence,
        *,
        hasher: "hashlib._Hash",
        size_bytes: int,
        batch_bytes: int,
        threads: Executor,
    ) -> None:
        """`batch_bytes` are handed to the threads at a time; the hop costs as much as some 50 kB."""
        self._parts = parts
        self._hasher = hasher
        self._size_bytes = size_bytes
        self._enough_bytes = batch_bytes
        self._threads = threads
        self._lanes = (_Lane(self._hash, threads), _Lane(parts.write, threads))
        self._batch: list[bytes] = []
        self._batch_bytes = 0

    async def receive(self, chunks: AsyncIterator[bytes]) -> None:
        """Until the client ends its stream.

        Raises what `chunks` and the lanes raise, and `InvalidRequestError` for more bytes than announced.
        """
        offset = self._parts.received_bytes
        async for chunk in chunks:
            offset += len(chunk)
            if offset > self._size_bytes:
                raise InvalidRequestError(
                    f"the upload was announced with {self._size_bytes:,} bytes and more have come; announce the "
                    "size of the file",
                    field="data",
                    metadata={"size_bytes": str(self._size_bytes)},
                )
            self._batch.append(chunk)
            self._batch_bytes += len(chunk)
            if self._batch_bytes >= self._enough_bytes:
                for lane in self._lanes:
                    await lane.wait_for_room()
                self._hand_on()

    async def settle(self) -> int:
        """Let the lanes finish, so that what came before a connection broke counts; received bytes.

        Must not be cancelled. Raises what went wrong in a lane; then the part that was being written is
        forgotten, and the hash cannot be gone on with.
        """
        if self._batch:
            self._hand_on()
        errors = [error for lane in self._lanes if (error := await lane.finish()) is not None]
        in_thread = asyncio.get_running_loop().run_in_executor
        if not errors:
            await in_thread(self._threads, self._parts.finish)
            return self._parts.received_bytes
        await in_thread(self._threads, self._parts.abandon)
        raise errors[0]

    def _hand_on(self) -> None:
        for lane in self._lanes:  # without a pause between them, so that they always get the same
            lane.put(self._batch)
        self._batch, self._batch_bytes = [], 0

    def _hash(self, batch: Sequence[bytes]) -> None:
        for chunk in batch:
            self._hasher.update(chunk)


class _Lane:
    """Runs a blocking job on batches, one after the other, on threads; after a failure it only drains."""

    def __init__(self, job: Callable[[Sequence[bytes]], None], threads: Executor) -> None:
        self._job = job
        self._threads = threads
        self._room = asyncio.Semaphore(_WAITING_BATCHES)
        self._queue: asyncio.Queue[Sequence[bytes] | None] = asyncio.Queue()
        self._error: Exception | None = None
        self._task = asyncio.create_task(self._run())

    async def wait_for_room(self) -> None:
        """Before a `put`. Raises the failure of the job."""
        await self._room.acquire()
        if self._error is not None:
            raise self._error

    def put(self, batch: Sequence[bytes]) -> None:
        self._queue.put_nowait(batch)

    async def finish(self) -> Exception | None:
        """Until everything is done; the failure, if there was one."""
        self._queue.put_nowait(None)
        await self._task
        return self._error

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while (batch := await self._queue.get()) is not None:
            if self._error is None:
                try:
                    await loop.run_in_executor(self._threads, self._job, batch)
                except Exception as error:  # noqa: BLE001 - raised where the lane is waited for
                    self._error = error
            self._room.release()
