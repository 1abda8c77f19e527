"""What has arrived, looked at again: its hash after a restart, and its content before it becomes media."""

import hashlib
import io
import threading

from facewright_models.media_probe import MediaInfo, MediaLimits, probe_media
from facewright_server.errors import StorageError
from facewright_server.media.records import PartRecord
from facewright_server.media.storage import PartStorage

__all__ = ["hash_parts", "intact_bytes", "probe_parts"]

_READ_BYTES = 1024 * 1024


def intact_bytes(storage: PartStorage, parts: tuple[PartRecord, ...]) -> int:
    """How many bytes from the beginning are in storage. Raises `StorageError` when that cannot be told."""
    end = 0
    for part in parts:
        if part.offset != end or storage.size_bytes(part.key) != part.size_bytes:
            break
        end += part.size_bytes
    return end


def hash_parts(
    storage: PartStorage, parts: tuple[PartRecord, ...], *, stopping: threading.Event
) -> "hashlib._Hash":
    """SHA-256 so far, ready to be gone on with. Raises `StorageError`; ends early once `stopping` is set."""
    hasher = hashlib.sha256()
    with storage.open(parts) as file:
        while not stopping.is_set():
            try:
                chunk = file.read_chunk(_READ_BYTES)
            except OSError as error:
                raise (file.failure or StorageError(str(error))) from error
            if not chunk:
                break
            hasher.update(chunk)
    return hasher


def probe_parts(storage: PartStorage, parts: tuple[PartRecord, ...], *, limits: MediaLimits) -> MediaInfo:
    """What the file is. Raises `InvalidInputError` subclasses for its content, `StorageError` for storage."""
    raw = storage.open(parts)
    with io.BufferedReader(raw, _READ_BYTES) as file:
        try:
            return probe_media(file, limits=limits)
        finally:
            if raw.failure is not None:  # a decoder takes it for a damaged file
                raise raw.failure
