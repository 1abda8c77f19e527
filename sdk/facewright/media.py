"""Files on the server: what is known of them, and how they are sent and fetched.

`upload_media` and `download_media` go on where they were when a connection breaks or the server restarts.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, BinaryIO, Callable, Union

from google.protobuf import duration_pb2

from facewright._calls import Call, EachEvent, Pause, Steps, StreamCall
from facewright._media_values import AudioStream, ImageInfo, Media, TransferProgress, VideoInfo
from facewright.errors import (
    FacewrightError,
    InvalidInputError,
    ServerError,
    ServerUnavailableError,
    StorageError,
    UnknownMediaError,
    UploadConflictError,
)
from facewright.v1 import media_pb2

__all__ = [
    "AudioStream",
    "ImageInfo",
    "Media",
    "TransferProgress",
    "VideoInfo",
    "delete_media",
    "download_media",
    "get_media",
    "list_media",
    "upload_media",
]

# A path, bytes, or a binary file that can seek.
Source = Union[str, "os.PathLike[str]", bytes, BinaryIO]
# A path, or a binary file; a path appears only when it is complete.
Target = Union[str, "os.PathLike[str]", BinaryIO]

_MAX_CHUNK_BYTES = 4 * 1024 * 1024
# Tries in a row in which nothing more arrived.
_MAX_IDLE_TRIES = 5
_FIRST_PAUSE_SECS = 0.2


def upload_media(
    source: Source,
    *,
    display_name: str | None = None,
    request_id: str = "",
    time_to_live_secs: float | None = None,
    on_progress: Callable[[TransferProgress], None] | None = None,
    timeout_secs: float | None = None,
) -> Steps[Media]:
    """Send a file; what comes back is what the server found in it.

    The bytes are hashed on the way and compared with what the server received. `request_id`, a UUID, makes a
    later call with the same file go on with the same upload; `display_name` is the name of the path unless it is
    given. `timeout_secs` is for one connection. Raises `InvalidInputError` subclasses for a file that cannot be
    used, `QuotaError`, `UploadConflictError`, `RequestReusedError`, and `OSError` when the source cannot be read.
    """
    with _opened(source) as file:
        size_bytes = file.seek(0, io.SEEK_END)
        named = display_name if display_name is not None else _name_of(source)
        upload = yield from _create(
            size_bytes, named[-200:], request_id or str(uuid.uuid4()), time_to_live_secs
        )
        with closing(_Sender(file, size_bytes, on_progress)) as sender:
            return (yield from _send(upload, sender, timeout_secs))


def download_media(
    name: str,
    target: Target,
    *,
    on_progress: Callable[[TransferProgress], None] | None = None,
    timeout_secs: float | None = None,
) -> Steps[Media]:
    """Fetch a file into a path or a binary file, and check its sha256.

    A path is written under another name first and appears when it is complete. Raises `UnknownMediaError`,
    `ServerError` when the bytes do not match, and `OSError` when the target cannot be written.
    """
    media = yield from get_media(name)
    if not isinstance(target, (str, os.PathLike)):
        yield from _fetch(media, target, on_progress, timeout_secs)
        return media
    path = Path(target)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with partial.open("wb") as file:
            yield from _fetch(media, file, on_progress, timeout_secs)
        partial.replace(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return media


def get_media(name: str, *, timeout_secs: float | None = None) -> Call[Media]:
    """What is known of a file. Raises `UnknownMediaError`."""
    return Call(
        "media.GetMedia",
        media_pb2.GetMediaRequest(name=name),
        read=lambda answer: Media.from_message(answer.media),
        kind="media",
        timeout_secs=timeout_secs,
    )


def list_media(*, timeout_secs: float | None = None) -> Steps[tuple[Media, ...]]:
    """All of one's own files, oldest first."""
    found: list[Media] = []
    page_token = ""
    while True:
        answer = yield from Call(
            "media.ListMedia",
            media_pb2.ListMediaRequest(page_size=500, page_token=page_token),
            read=_itself,
            kind="media",
            timeout_secs=timeout_secs,
        )
        found.extend(Media.from_message(message) for message in answer.media)
        page_token = answer.next_page_token
        if not page_token:
            return tuple(found)


def delete_media(name: str, *, timeout_secs: float | None = None) -> Call[None]:
    """Delete a file, or an upload that is not finished. Raises `UnknownMediaError`."""
    return Call(
        "media.DeleteMedia",
        media_pb2.DeleteMediaRequest(name=name),
        read=lambda _: None,
        kind="media",
        timeout_secs=timeout_secs,
        is_idempotent=False,
    )


class _Sender:
    """Makes the messages of an upload from any offset, and hashes every byte once.

    gRPC pulls messages from a thread of its own and may still be at it when the call is over: the server may answer
    before it has read everything, and a connection may break. So only the newest taker of messages, or whoever asks
    for the sum, reads the source.
    """

    def __init__(
        self, file: BinaryIO, size_bytes: int, on_progress: Callable[[TransferProgress], None] | None
    ) -> None:
        self._file = file
        self._size_bytes = size_bytes
        self._on_progress = on_progress
        self._hasher = hashlib.sha256()
        self._hashed_bytes = 0
        self._lock = threading.Lock()
        self._turn = 0
        self.failure: Exception | None = None

    def messages(self, upload: media_pb2.Upload) -> Iterator[media_pb2.WriteUploadRequest]:
        """Those from what the server has on; whoever took messages before gets no more."""
        return self._messages(self._take_turn(), upload)

    def hexdigest(self) -> str:
        """SHA-256 of the whole source; nothing is sent any more."""
        self._take_turn()
        with self._lock:
            self._hash_up_to(self._size_bytes)
            return self._hasher.hexdigest()

    def close(self) -> None:
        """The source is not read any more, so that it can be closed."""
        self._take_turn()

    def _messages(self, turn: int, upload: media_pb2.Upload) -> Iterator[media_pb2.WriteUploadRequest]:
        """Ends early when the source cannot be read: gRPC would swallow the error, `failure` keeps it."""
        chunk_bytes = min(upload.chunk_bytes or _MAX_CHUNK_BYTES, _MAX_CHUNK_BYTES)
        offset = upload.received_bytes
        try:
            yield media_pb2.WriteUploadRequest(start=media_pb2.UploadStart(name=upload.name, offset=offset))
            while chunk := self._read(turn, offset, chunk_bytes):
                offset += len(chunk)
                yield media_pb2.WriteUploadRequest(data=chunk)
                if self._on_progress is not None and self._turn == turn:
                    self._on_progress(TransferProgress(offset, self._size_bytes))
        except Exception as error:  # noqa: BLE001 - raised where the call is waited for
            if self._turn == turn:
                self.failure = error

    def _take_turn(self) -> int:
        with self._lock:
            self._turn += 1
            return self._turn

    def _read(self, turn: int, offset: int, chunk_bytes: int) -> bytes:
        with self._lock:
            if self._turn != turn:
                return b""
            self._hash_up_to(offset)
            self._file.seek(offset)
            chunk = self._file.read(min(chunk_bytes, self._size_bytes - offset))
            if offset == self._hashed_bytes:
                self._hasher.update(chunk)
                self._hashed_bytes += len(chunk)
            return chunk

    def _hash_up_to(self, offset: int) -> None:
        if self._hashed_bytes >= offset:
            return
        self._file.seek(self._hashed_bytes)
        while chunk := self._file.read(min(_MAX_CHUNK_BYTES, offset - self._hashed_bytes)):
            self._hasher.update(chunk)
            self._hashed_bytes += len(chunk)


def _create(
    size_bytes: int, display_name: str, request_id: str, time_to_live_secs: float | None
) -> Call[media_pb2.Upload]:
    time_to_live = None
    if time_to_live_secs is not None:
        time_to_live = duration_pb2.Duration()
        time_to_live.FromMicroseconds(round(time_to_live_secs * 1e6))
    return Call(
        "media.CreateUpload",
        media_pb2.CreateUploadRequest(
            size_bytes=size_bytes, display_name=display_name, request_id=request_id, time_to_live=time_to_live
        ),
        read=lambda answer: answer.upload,
        kind="media",
    )


def _write(upload: media_pb2.Upload, sender: _Sender, timeout_secs: float | None) -> Call[Media | None]:
    return Call(
        "media.WriteUpload",
        None,
        read=lambda answer: Media.from_message(answer.media) if answer.HasField("media") else None,
        kind="transfer",
        timeout_secs=timeout_secs,
        is_idempotent=False,  # goes on by itself, from another offset
        parts=lambda: sender.messages(upload),
    )


def _received(name: str, failure: FacewrightError | None) -> Steps[media_pb2.Upload]:
    """How much has arrived; `failure` when the upload is gone because of it."""
    try:
        upload: media_pb2.Upload = yield from Call(
            "media.GetUpload",
            media_pb2.GetUploadRequest(name=name),
            read=lambda answer: answer.upload,
            kind="media",
        )
    except UnknownMediaError as error:
        raise (failure if failure is not None and failure.request_id else error) from None
    return upload


def _send(upload: media_pb2.Upload, sender: _Sender, timeout_secs: float | None) -> Steps[Media]:
    """Until the server has it all, over as many connections as it takes."""
    idle_tries = 0
    while True:
        failure: FacewrightError | None = None
        media = None
        try:
            media = yield from _write(upload, sender, timeout_secs)
        except (ServerError, ServerUnavailableError, StorageError, UploadConflictError) as error:
            # Of a server that answers while bytes are still being sent, gRPC sometimes tells no more than
            # that the call has failed; what it was shows when the upload goes on.
            if isinstance(error, ServerError) and error.request_id:
                raise
            failure = error
        if sender.failure is not None:
            raise sender.failure
        if media is not None:
            yield from _check_sum(media, sender)
            return media
        before = upload.received_bytes
        upload = yield from _received(upload.name, failure)
        idle_tries = 0 if upload.received_bytes > before else idle_tries + 1
        if idle_tries >= _MAX_IDLE_TRIES:
            raise failure or ServerError("the server takes no more of the upload", reason="NO_PROGRESS")
        if failure is not None:
            yield Pause(_FIRST_PAUSE_SECS * 2**idle_tries)


def _check_sum(media: Media, sender: _Sender) -> Steps[None]:
    digest = sender.hexdigest()
    if digest == media.sha256:
        return
    yield from delete_media(media.name)
    raise UploadConflictError(
        f"the server received bytes with sha256 {media.sha256}, {digest} was sent; the upload is deleted, upload "
        "the file again, and not while it changes",
        reason="UPLOAD_CONFLICT",
    )


def _fetch(
    media: Media,
    file: BinaryIO,
    on_progress: Callable[[TransferProgress], None] | None,
    timeout_secs: float | None,
) -> Steps[None]:
    hasher = hashlib.sha256()
    done_bytes = 0

    def take(data: bytes) -> None:
        nonlocal done_bytes
        file.write(data)
        hasher.update(data)
        done_bytes += len(data)
        if on_progress is not None:
            on_progress(TransferProgress(done_bytes, media.size_bytes))

    idle_tries = 0
    while True:
        before = done_bytes
        request = media_pb2.DownloadMediaRequest(name=media.name, offset=done_bytes)
        try:
            yield EachEvent(
                StreamCall(
                    "media.DownloadMedia",
                    request,
                    read=lambda answer: answer.data,
                    kind="transfer",
                    timeout_secs=timeout_secs,
                ),
                take,
            )
            break
        except ServerUnavailableError:
            idle_tries = 0 if done_bytes > before else idle_tries + 1
            if idle_tries >= _MAX_IDLE_TRIES:
                raise
        yield Pause(_FIRST_PAUSE_SECS * 2**idle_tries)
    if hasher.hexdigest() != media.sha256:
        raise ServerError(
            f"the {done_bytes:,} bytes that came do not have the sha256 {media.sha256} of the file; fetch it again",
            reason="CHECKSUM",
        )


class _opened:  # noqa: N801 - a context manager that reads like a function
    """The source as a binary file; only what was opened here is closed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._owned: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        if isinstance(self._source, (bytes, bytearray, memoryview)):
            self._owned = io.BytesIO(self._source)
        elif isinstance(self._source, (str, os.PathLike)):
            self._owned = Path(self._source).open("rb")
        else:
            if not self._source.seekable():
                raise InvalidInputError(
                    "the file cannot seek, so an upload could not go on after a broken connection; write it to "
                    "disk first",
                    reason="NOT_SEEKABLE",
                )
            return self._source
        return self._owned

    def __exit__(self, *_: object) -> None:
        if self._owned is not None:
            self._owned.close()


def _name_of(source: Source) -> str:
    return Path(source).name if isinstance(source, (str, os.PathLike)) else ""


def _itself(answer: Any) -> Any:
    return answer
