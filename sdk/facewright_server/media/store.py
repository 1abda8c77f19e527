"""The store of media: what the services and jobs call.

The register in SQL is the truth, storage only holds bytes; several servers and workers may share both. Methods
are coroutines for the event loop; what jobs need in worker processes also comes blocking.
"""

import asyncio
import functools
import hashlib
import io
import logging
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from facewright_models.media_probe import MediaLimits
from facewright_server.config import ServerConfig
from facewright_server.errors import ShuttingDownError, StorageError
from facewright_server.media.catalog import MediaCatalog
from facewright_server.media.clock import ServiceClock
from facewright_server.media.receiving import UploadReceiver
from facewright_server.media.records import (
    Claim,
    MediaPage,
    MediaRecord,
    StoreLimits,
    UploadRecord,
    UploadRequest,
)
from facewright_server.media.storage import PartStorage
from facewright_server.persistence import Database

__all__ = ["CHUNK_BYTES", "MediaStore", "open_media_store"]

T = TypeVar("T")
CHUNK_BYTES = 1024 * 1024
_PART_BYTES = 16 * 1024 * 1024
_THREADS = 8
_CHECK_THREADS = 2
_KEPT_HASHES = 256
_SWEEP_SECS = 30.0
_log = logging.getLogger(__name__)


class MediaStore:
    """Made anywhere; `start` and every coroutine on one event loop. `close` when done."""

    def __init__(self, catalog: MediaCatalog) -> None:
        self._catalog = catalog
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="media")
        # Reading a whole file again takes seconds, and must not hold up those who receive.
        self._check_threads = ThreadPoolExecutor(max_workers=_CHECK_THREADS, thread_name_prefix="media-check")
        # What has been hashed of unfinished uploads, by id and how much: spares reading it all again.
        self._hashers: OrderedDict[tuple[str, int], hashlib._Hash] = OrderedDict()
        self._stopping = threading.Event()
        self._settling: set[asyncio.Task[object]] = set()
        self._sweeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sweep: now, for what a crash left behind, and then twice a minute."""
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(self._sweep_forever())

    async def close(self) -> None:
        """Let what has arrived be written, then end the threads. Calls that still run must have ended."""
        self._stopping.set()
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._settling:
            await asyncio.gather(*self._settling, return_exceptions=True)
        await asyncio.to_thread(self.close_blocking)

    def close_blocking(self) -> None:
        """For processes without an event loop."""
        self._stopping.set()
        self._check_threads.shutdown(wait=True, cancel_futures=True)
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def read(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """A whole file. Raises `UnknownMediaError`; `InvalidRequestError` when it is larger than `max_bytes`."""
        return await self._run(functools.partial(self.read_blocking, name, owner=owner, max_bytes=max_bytes))

    def read_blocking(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """`read` for worker processes."""
        return self._catalog.read(name, owner=owner, max_bytes=max_bytes)

    def get_blocking(self, name: str, *, owner: str) -> MediaRecord:
        """`get` for other threads and for worker processes."""
        return self._catalog.get(name, owner=owner)

    def find_blocking(self, sha256: str, *, owner: str) -> MediaRecord | None:
        """`find`, likewise."""
        return self._catalog.find(sha256, owner=owner)

    @contextmanager
    def open_blocking(self, name: str, *, owner: str) -> Iterator[io.BufferedIOBase]:
        """A file to read and to seek in, while it is stored. Raises `UnknownMediaError`, `StorageError`.

        What a decoder makes of bytes that storage does not give leaves the block as the failure of storage.
        """
        _, raw = self._catalog.open(name, owner=owner)
        with io.BufferedReader(raw, CHUNK_BYTES) as file:
            try:
                yield file
            finally:
                if raw.failure is not None:
                    raise raw.failure

    async def put(
        self,
        content: bytes,
        *,
        owner: str,
        display_name: str,
        request_id: str = "",
        content_type: str = "",
        ttl_secs: float | None = None,
    ) -> MediaRecord:
        """Keep a result of the server itself; the same request_id gives the same media.

        It counts as the client's bytes but is never refused for them. Without `ttl_secs` it is kept as long as
        uploads are; without `content_type` it has that of its content. Raises `RequestReusedError`,
        `StorageError`.
        """
        return await self._run(
            functools.partial(
                self.put_blocking,
                content,
                owner=owner,
                display_name=display_name,
                request_id=request_id,
                content_type=content_type,
                ttl_secs=ttl_secs,
            )
        )

    def put_blocking(
        self,
        content: bytes,
        *,
        owner: str,
        display_name: str,
        request_id: str = "",
        content_type: str = "",
        ttl_secs: float | None = None,
    ) -> MediaRecord:
        """`put` for worker processes."""
        return self._catalog.put(
            content,
            owner=owner,
            display_name=display_name,
            request_id=request_id,
            content_type=content_type,
            ttl_secs=ttl_secs,
        )

    async def create_upload(
        self, request: UploadRequest, *, owner: str, max_client_bytes: int | None = None
    ) -> UploadRecord:
        """See `MediaCatalog.create_upload`."""
        return await self._run(
            functools.partial(
                self._catalog.create_upload, request, owner=owner, max_client_bytes=max_client_bytes
            )
        )

    async def get_upload(self, name: str, *, owner: str) -> UploadRecord:
        """How much has arrived. Raises `UnknownMediaError`."""
        return await self._run(functools.partial(self._catalog.get_upload, name, owner=owner))

    async def get(self, name: str, *, owner: str) -> MediaRecord:
        """A complete file. Raises `UnknownMediaError`."""
        return await self._run(functools.partial(self._catalog.get, name, owner=owner))

    async def find(self, sha256: str, *, owner: str) -> MediaRecord | None:
        """A complete file of this client with those bytes, the one that is kept longest; or None."""
        return await self._run(functools.partial(self._catalog.find, sha256, owner=owner))

    async def page(self, *, owner: str, page_size: int, page_token: str) -> MediaPage:
        """Complete files, oldest first. Raises `InvalidRequestError` for a malformed token."""
        return await self._run(
            functools.partial(self._catalog.page, owner=owner, page_size=page_size, page_token=page_token)
        )

    async def delete(self, name: str, *, owner: str) -> None:
        """Remove a file or an upload. Raises `UnknownMediaError`."""
        await self._run(functools.partial(self._catalog.delete, name, owner=owner))

    async def sweep(self) -> int:
        """Remove what has expired; how many files that were."""
        return await self._run(self._catalog.sweep)

    async def receive(
        self, name: str, *, offset: int, chunks: AsyncIterator[bytes], owner: str
    ) -> tuple[UploadRecord, MediaRecord | None]:
        """Take bytes from `offset` on until `chunks` ends; the file, once everything has arrived.

        However this ends, what has arrived and could be written counts as received. Raises `UnknownMediaError`,
        `UploadConflictError` (offset, checksum, another call took over), `InvalidRequestError` for too many
        bytes, the errors of `probe_media` (the upload is gone then), and what `chunks` raises.
        """
        claim = await self._run(functools.partial(self._catalog.claim, name, offset=offset, owner=owner))
        if claim.media is not None:
            return claim.upload, claim.media
        hasher = await self._hasher(claim)
        parts = self._catalog.part_sequence(claim)
        receiver = UploadReceiver(
            parts,
            hasher=hasher,
            size_bytes=claim.upload.size_bytes,
            batch_bytes=min(CHUNK_BYTES, self._catalog.part_bytes),
            threads=self._threads,
        )
        try:
            await receiver.receive(chunks)
        except BaseException:
            with suppress(Exception):  # the first failure is the one to tell
                await self._settle(receiver, claim, parts_hasher=hasher)
            raise
        received = await self._settle(receiver, claim, parts_hasher=hasher)
        if received < claim.upload.size_bytes:
            return await self.get_upload(name, owner=owner), None
        digest = hasher.hexdigest()
        media = await self._run(
            functools.partial(self._catalog.complete, claim, sha256=digest), self._check_threads
        )
        self._hashers.pop((claim.media_id, received), None)
        return await self.get_upload(name, owner=owner), media

    async def stream(self, name: str, *, offset: int, owner: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file from `offset` on, in pieces of at most `CHUNK_BYTES`.

        Raises `UnknownMediaError`, also when the file is deleted meanwhile.
        """
        _, file = await self._run(functools.partial(self._catalog.open, name, owner=owner))
        read = functools.partial(self._catalog.read_chunk, file, name, owner=owner)
        file.seek(offset)
        try:
            while chunk := await self._run(read):
                yield chunk
        finally:
            file.close()

    async def _settle(self, receiver: UploadReceiver, claim: Claim, *, parts_hasher: "hashlib._Hash") -> int:
        """What has arrived, written and counted; goes on when the call is cancelled."""

        async def settle() -> int:
            received = await receiver.settle()
            self._hashers[claim.media_id, received] = parts_hasher
            while len(self._hashers) > _KEPT_HASHES:
                self._hashers.popitem(last=False)
            return received

        task = asyncio.create_task(settle())
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return await asyncio.shield(task)

    async def _hasher(self, claim: Claim) -> "hashlib._Hash":
        received = claim.upload.received_bytes
        if received == 0:
            return hashlib.sha256()
        known = self._hashers.pop((claim.media_id, received), None)
        if known is not None:
            return known
        return await self._run(
            functools.partial(self._catalog.hash_again, claim, stopping=self._stopping), self._check_threads
        )

    async def _sweep_forever(self) -> None:
        while True:
            try:
                count = await self.sweep()
                if count:
                    _log.info("expired media removed", extra={"files": count})
            except StorageError as error:
                _log.warning("cannot sweep media now: %s", error)
            except ShuttingDownError:
                return
            await asyncio.sleep(_SWEEP_SECS)

    async def _run(self, job: Callable[[], T], threads: Executor | None = None) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(threads or self._threads, job)
        except RuntimeError as error:  # the threads have ended
            raise ShuttingDownError("the server is shutting down; try again when it is back") from error
        return await running


def open_media_store(
    config: ServerConfig,
    database: Database,
    *,
    part_bytes: int = _PART_BYTES,
    clock: ServiceClock | None = None,
) -> MediaStore:
    """The store that the settings describe; `media_url` must be filled in (`open_state` does).

    What has arrived of an upload becomes safe with every `part_bytes` of it, and when its connection ends.
    Raises `ConfigError` for a `media_url` that cannot be used.
    """
    storage = PartStorage(config.media_url)
    clock = clock or ServiceClock()
    with database.transaction() as connection:
        clock.exchange(connection)
    limits = StoreLimits(
        max_upload_bytes=config.max_upload_bytes,
        max_client_bytes=config.max_client_media_bytes,
        ttl_secs=config.media_ttl_secs,
        part_bytes=part_bytes,
    )
    probe_limits = MediaLimits(max_image_pixels=config.max_photo_pixels)
    return MediaStore(MediaCatalog(database, storage, limits=limits, probe_limits=probe_limits, clock=clock))
