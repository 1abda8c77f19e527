"""The rules of media, blocking: who may have what, when it goes, what counts as received.

Used through `MediaStore` on the event loop and directly by worker processes.
"""

import hashlib
import logging
import threading
import uuid

from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from facewright_models.errors import InvalidInputError
from facewright_models.media_probe import MediaLimits
from facewright_server.errors import (
    InvalidRequestError,
    StorageError,
    UploadConflictError,
)
from facewright_server.media import checking, register
from facewright_server.media.clock import ServiceClock
from facewright_server.media.receiving import PartSequence
from facewright_server.media.records import (
    Claim,
    MediaPage,
    MediaRecord,
    StoreLimits,
    UploadRecord,
    UploadRequest,
    id_of,
    unknown,
)
from facewright_server.media.rules import (
    check_quota,
    fingerprint,
    read_token,
    same_request,
    write_token,
    wrong_offset,
)
from facewright_server.media.storage import PartsFile, PartStorage, is_missing
from facewright_server.persistence import Database

__all__ = ["MediaCatalog"]

_GARBAGE_BATCH = 200
_READ_BYTES = 1024 * 1024
_UNKNOWN_TYPE = "application/octet-stream"
_log = logging.getLogger(__name__)


class MediaCatalog:
    """Safe to use from several threads. Every method raises `StorageError` when database or folder fail."""

    def __init__(
        self,
        database: Database,
        storage: PartStorage,
        *,
        limits: StoreLimits,
        probe_limits: MediaLimits,
        clock: ServiceClock,
    ) -> None:
        self._database = database
        self._storage = storage
        self._limits = limits
        self._probe_limits = probe_limits
        self._clock = clock

    @property
    def part_bytes(self) -> int:
        """How much one stored object holds, about."""
        return self._limits.part_bytes

    def create_upload(
        self, request: UploadRequest, *, owner: str, max_client_bytes: int | None = None
    ) -> UploadRecord:
        """Announce a file; the same request_id gives the same upload, also when it is complete.

        `max_client_bytes` is for this client, in the place of the store's limit. Raises `InvalidRequestError`,
        `QuotaError`, `RequestReusedError`.
        """
        if not 1 <= request.size_bytes <= self._limits.max_upload_bytes:
            raise InvalidRequestError(
                f"size_bytes is {request.size_bytes:,}; expected 1 to {self._limits.max_upload_bytes:,}",
                field="size_bytes",
                metadata={"max_bytes": str(self._limits.max_upload_bytes)},
            )
        ttl_secs = min(request.ttl_secs or self._limits.ttl_secs, self._limits.ttl_secs)
        most = max_client_bytes or self._limits.max_client_bytes
        row = self._insert(request, "upload", owner=owner, ttl_secs=ttl_secs, max_client_bytes=most)
        return register.upload_record(row)

    def get_upload(self, name: str, *, owner: str) -> UploadRecord:
        """How much has arrived. Raises `UnknownMediaError`."""
        return register.upload_record(self._row(name, owner))

    def get(self, name: str, *, owner: str) -> MediaRecord:
        """A complete file. Raises `UnknownMediaError`."""
        row = self._row(name, owner)
        if row["completed_us"] is None:
            raise unknown(name)
        return register.media_record(row)

    def find(self, sha256: str, *, owner: str) -> MediaRecord | None:
        """A complete file of this client with those bytes, or None."""
        with self._database.snapshot() as connection:
            row = register.find_by_sha256(connection, sha256, owner=owner, now_us=self._clock.now_us())
        return None if row is None else register.media_record(row)

    def page(self, *, owner: str, page_size: int, page_token: str) -> MediaPage:
        """Complete files after the token, oldest first. Raises `InvalidRequestError` for a malformed token."""
        after = read_token(page_token)
        with self._database.snapshot() as connection:
            rows = register.page(
                connection, owner=owner, now_us=self._clock.now_us(), after=after, limit=page_size + 1
            )
        more = len(rows) > page_size
        media = tuple(register.media_record(row) for row in rows[:page_size])
        return MediaPage(media=media, next_token=write_token(rows[page_size - 1]) if more else "")

    def delete(self, name: str, *, owner: str) -> None:
        """Remove a file or an upload; a call that writes or reads it ends. Raises `UnknownMediaError`."""
        media_id = id_of(name)
        with self._database.transaction() as connection:
            row = register.find(connection, media_id, owner=owner, now_us=self._clock.now_us())
            if row is None:
                raise unknown(name)
            register.delete(connection, media_id)
        self._tidy(media_id)

    def open(self, name: str, *, owner: str) -> tuple[MediaRecord, PartsFile]:
        """A complete file to read. Raises `UnknownMediaError`."""
        media_id = id_of(name)
        with self._database.snapshot() as connection:
            row = register.find(connection, media_id, owner=owner, now_us=self._clock.now_us())
            if row is None or row["completed_us"] is None:
                raise unknown(name)
            parts = register.parts_of(connection, media_id)
        return register.media_record(row), self._storage.open(parts)

    def read(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """A whole file. Raises `UnknownMediaError`; `InvalidRequestError` when it is larger than `max_bytes`."""
        record, file = self.open(name, owner=owner)
        with file:
            if record.size_bytes > max_bytes:
                raise InvalidRequestError(
                    f"the media has {record.size_bytes:,} bytes; at most {max_bytes:,} are accepted here",
                    field="media",
                    metadata={"bytes": str(record.size_bytes), "max_bytes": str(max_bytes)},
                )
            content = bytearray()
            while chunk := self.read_chunk(file, name, owner=owner):
                content += chunk
        return bytes(content)

    def read_chunk(self, file: PartsFile, name: str, *, owner: str) -> bytes:
        """The next piece, empty at the end. Raises `UnknownMediaError` when the file went away meanwhile."""
        try:
            return file.read_chunk(_READ_BYTES)
        except OSError as error:
            failure = file.failure or StorageError(str(error))
            if is_missing(failure):
                self._row(name, owner)  # deleted or expired is another answer than lost
            raise failure from error

    def put(
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

        Counts as the client's bytes, but is never refused for them: the work is done by then. `ttl_secs` may be
        longer than that of uploads. Without `content_type` it is what the content looks like. Raises
        `RequestReusedError`.
        """
        digest = hashlib.sha256(content).hexdigest()
        request = UploadRequest(
            size_bytes=len(content), sha256=digest, display_name=display_name, request_id=request_id
        )
        row = self._insert(
            request, "put", owner=owner, ttl_secs=ttl_secs or self._limits.ttl_secs, max_client_bytes=None
        )
        if row["completed_us"] is not None:
            return register.media_record(row)
        claim = self.claim(register.upload_record(row).name, offset=None, owner=owner)
        parts = self.part_sequence(claim)
        try:
            if claim.upload.received_bytes < len(content):
                parts.write([content[claim.upload.received_bytes :]])
            parts.finish()
        except BaseException:
            parts.abandon()
            raise
        return self.complete(claim, sha256=digest, content_type=content_type, is_checked=False)

    def claim(self, name: str, *, offset: int | None, owner: str) -> Claim:
        """Become the one writer of an upload at `offset` (None: wherever it is).

        Raises `UnknownMediaError`; `UploadConflictError` when `offset` is not what has arrived.
        """
        media_id, writer = id_of(name), uuid.uuid4().hex
        with self._database.transaction() as connection:
            row = register.find(connection, media_id, owner=owner, now_us=self._clock.now_us())
            if row is None:
                raise unknown(name)
            received = row["received_bytes"]
            if offset is not None and offset != received:
                raise wrong_offset(offset, received)
            if row["completed_us"] is None:
                register.claim(connection, media_id, writer=writer)
        media = register.media_record(row) if row["completed_us"] is not None else None
        if media is None:
            self._tidy(media_id)
        return Claim(
            media_id=media_id,
            writer=writer,
            announced_sha256=row["announced_sha256"],
            upload=register.upload_record(row),
            media=media,
        )

    def part_sequence(self, claim: Claim) -> PartSequence:
        """To write what comes next."""
        return PartSequence(
            self._database,
            self._storage,
            media_id=claim.media_id,
            writer=claim.writer,
            offset=claim.upload.received_bytes,
            part_bytes=self._limits.part_bytes,
        )

    def hash_again(self, claim: Claim, *, stopping: threading.Event) -> "hashlib._Hash":
        """SHA-256 of what has arrived, read from storage.

        Raises `UploadConflictError` when some of it is missing there; what is left is what has arrived then.
        """
        with self._database.snapshot() as connection:
            parts = register.parts_of(connection, claim.media_id)
        received = claim.upload.received_bytes
        intact = checking.intact_bytes(self._storage, parts)
        if intact != received:
            with self._database.transaction() as connection:
                register.truncate(connection, claim.media_id, writer=claim.writer, received_bytes=intact)
            self._tidy(claim.media_id)
            raise wrong_offset(received, intact)
        return checking.hash_parts(self._storage, parts, stopping=stopping)

    def complete(
        self, claim: Claim, *, sha256: str, content_type: str = "", is_checked: bool = True
    ) -> MediaRecord:
        """Everything has arrived: check it and make it media.

        What cannot be used is deleted before the error is raised: `UploadConflictError` for another checksum,
        the errors of `probe_media` for its content.
        """
        if claim.announced_sha256 and sha256 != claim.announced_sha256:
            self._reject(claim)
            raise UploadConflictError(
                f"the bytes have sha256 {sha256}; {claim.announced_sha256} was announced; the upload is deleted, "
                "upload the file again"
            )
        with self._database.snapshot() as connection:
            parts = register.parts_of(connection, claim.media_id)
        info = None
        try:
            if parts:
                info = checking.probe_parts(self._storage, parts, limits=self._probe_limits)
        except InvalidInputError as error:
            if is_checked:
                self._reject(claim)
                error.field = None  # of the request of the call, not of the file
                raise
        with self._database.transaction() as connection:
            register.complete(
                connection,
                claim.media_id,
                writer=claim.writer,
                now_us=self._clock.now_us(),
                sha256=sha256,
                content_type=content_type or (info.content_type if info is not None else _UNKNOWN_TYPE),
                info=info,
            )
            return register.media_record(register.any_row(connection, claim.media_id))

    def sweep(self) -> int:
        """Remove what has expired and what nothing refers to; how many files that were."""
        with self._database.transaction() as connection:
            now_us = self._clock.exchange(connection)
            count = register.delete_expired(connection, now_us=now_us)
        self._collect_garbage()
        return count

    def _tidy(self, media_id: str) -> None:
        """After something that has already happened, and whose answer must not be a failure of this."""
        try:
            self._collect_garbage(media_id)
        except StorageError as error:
            _log.warning("cannot tidy up after an upload, the next sweep does: %s", error)

    def _collect_garbage(self, media_id: str | None = None) -> None:
        """Remove objects that nothing refers to; what cannot be removed now stays for the next sweep."""
        while True:
            with self._database.snapshot() as connection:
                keys = register.garbage_keys(connection, limit=_GARBAGE_BATCH, media_id=media_id)
            gone = [key for key in keys if self._is_removed(key)]
            if gone:
                with self._database.transaction() as connection:
                    register.forget_parts(connection, gone)
            if len(keys) < _GARBAGE_BATCH or len(gone) < len(keys):
                return

    def _is_removed(self, key: str) -> bool:
        try:
            self._storage.remove(key)
        except StorageError as error:
            _log.warning("cannot remove a stored part, the next sweep tries again: %s", error)
            return False
        return True

    def _reject(self, claim: Claim) -> None:
        with self._database.transaction() as connection:
            register.reject(connection, claim.media_id, writer=claim.writer)
        self._tidy(claim.media_id)

    def _row(self, name: str, owner: str) -> RowMapping:
        media_id = id_of(name)
        with self._database.snapshot() as connection:
            row = register.find(connection, media_id, owner=owner, now_us=self._clock.now_us())
        if row is None:
            raise unknown(name)
        return row

    def _insert(
        self,
        request: UploadRequest,
        kind: str,
        *,
        owner: str,
        ttl_secs: float,
        max_client_bytes: int | None,
    ) -> RowMapping:
        """The row of the request, a new one or the one that it made before. None bytes: as many as it takes."""
        request_id = f"{kind}:{request.request_id}" if request.request_id else None
        identity = fingerprint(request)
        ttl_us = max(1, round(ttl_secs * 1e6))
        media_id = uuid.uuid4().hex
        for is_last_try in (False, True):
            now_us = self._clock.now_us()
            try:
                with self._database.transaction() as connection:
                    if request_id is not None:
                        known = register.find_by_request(connection, request_id, owner=owner, now_us=now_us)
                        if known is not None:
                            return same_request(known, identity)
                    if max_client_bytes is not None:
                        used = register.used_bytes(connection, owner=owner, now_us=now_us)
                        check_quota(used, request.size_bytes, max_client_bytes)
                    register.insert(
                        connection,
                        id=media_id,
                        owner=owner,
                        request_id=request_id,
                        fingerprint=identity,
                        display_name=request.display_name,
                        size_bytes=request.size_bytes,
                        announced_sha256=request.sha256,
                        ttl_us=ttl_us,
                        expire_us=now_us + ttl_us,
                    )
                    return register.any_row(connection, media_id)
            except IntegrityError:  # another server took the same request at the same moment
                if is_last_try:
                    raise
        raise StorageError("the upload could not be registered; try again")
