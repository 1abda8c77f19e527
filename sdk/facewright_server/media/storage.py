"""Where the bytes lie: objects by key in one folder of any fsspec file system.

An object is written once, from beginning to end, and never changed: object stores cannot append. A file is the
objects of its parts one after the other. Everything here blocks. Every failure of the file system is a
`StorageError`; `is_missing` tells those of an object that is not there.
"""

import errno
import io
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from facewright_server.errors import ConfigError, StorageError
from facewright_server.media.records import PartRecord

__all__ = ["PartStorage", "PartWriter", "PartsFile", "is_missing"]

_MISSING = "missing"
_log = logging.getLogger(__name__)


def is_missing(error: StorageError) -> bool:
    """Whether it says that a part is not in storage, or is shorter than it was."""
    return error.metadata.get("cause") == _MISSING


class PartStorage:
    """One folder, by URL; a plain path is a local folder. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Does not touch the folder yet. Raises `ConfigError` for a URL that no file system knows."""
        try:
            self._system, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(
                f"cannot use the media folder {url}: {error}; expected a folder or an fsspec URL whose package "
                "is installed, for example s3://bucket/folder with s3fs"
            ) from error
        self.is_local = isinstance(self._system, LocalFileSystem)

    def create(self, key: str) -> "PartWriter":
        """Begin an object."""
        with _translated():
            # A store without folders takes this as nothing to do.
            self._system.makedirs(self._root, exist_ok=True)
            return PartWriter(self, key, self._system.open(self._path(key), "wb"))

    def remove(self, key: str) -> None:
        """Remove an object; it is no error when it is already gone."""
        with _translated(), suppress(FileNotFoundError):
            self._system.rm_file(self._path(key))

    def open(self, parts: Sequence[PartRecord]) -> "PartsFile":
        """The file that the parts make up, to read."""
        return PartsFile(self, parts)

    def open_part(self, key: str) -> Any:
        """A binary file object; the caller translates its errors."""
        return self._system.open(self._path(key), "rb")

    def size_bytes(self, key: str) -> int | None:
        """Size of an object; None when it is not there."""
        with _translated():
            try:
                return int(self._system.size(self._path(key)) or 0)
            except FileNotFoundError:
                return None

    def make_durable(self, handle: Any) -> None:
        """A local file that is synchronised survives a power cut; object stores promise that by themselves."""
        if self.is_local:
            handle.flush()
            os.fsync(handle.fileno())

    def make_names_durable(self) -> None:
        """The same for the entry in the folder."""
        if self.is_local:
            folder = os.open(self._root, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


class PartWriter:
    """Writes one object. Either `finish` or `abandon` ends it."""

    def __init__(self, storage: PartStorage, key: str, handle: Any) -> None:
        self._storage = storage
        self._key = key
        self._handle = handle
        self.size_bytes = 0

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append. Raises `StorageError`."""
        with _translated():
            for chunk in chunks:
                self._handle.write(chunk)
                self.size_bytes += len(chunk)

    def finish(self) -> None:
        """Returns when every byte is safe. Raises `StorageError`."""
        with _translated():
            try:
                self._storage.make_durable(self._handle)
            finally:
                self._handle.close()
            self._storage.make_names_durable()

    def abandon(self) -> None:
        """Remove what was written. Never raises: what cannot be removed now is removed by the sweep."""
        try:
            if self._storage.is_local:
                self._handle.close()
            else:
                self._handle.discard()  # closing would complete the object
                with suppress(AttributeError):
                    self._handle.closed = True
        except Exception as error:  # noqa: BLE001 - a full disk, a lost connection: the sweep tidies up
            _log.warning("cannot close an unfinished part: %s", type(error).__name__)
        try:
            self._storage.remove(self._key)
        except StorageError as error:
            _log.warning("cannot remove an unfinished part, the sweep will: %s", error)


class PartsFile(io.RawIOBase):
    """Parts, one after the other, as one seekable file. Opens one part at a time.

    Libraries that read from it take an `OSError` for a damaged file; `failure` keeps the `StorageError` that
    it really was.
    """

    def __init__(self, storage: PartStorage, parts: Sequence[PartRecord]) -> None:
        super().__init__()
        self._storage = storage
        self._parts = parts
        self._size_bytes = sum(part.size_bytes for part in parts)
        self._position = 0
        self._open_index = -1
        self._handle: Any = None
        self.failure: StorageError | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As usual; beyond the end is allowed and reads nothing."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "the position would be before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """At most to the end of the part. Raises `OSError` and keeps the reason in `failure`."""
        chunk = self.read_chunk(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def read_chunk(self, most_bytes: int) -> bytes:
        """The next bytes, fewer at the end of a part, none at the end of the file."""
        if self._position >= self._size_bytes:
            return b""
        index = self._index_at(self._position)
        part = self._parts[index]
        inside = self._position - part.offset
        try:
            with _translated():
                chunk: bytes = self._part(index, inside).read(min(most_bytes, part.size_bytes - inside))
        except StorageError as error:
            self.failure = error
            raise OSError(errno.EIO, str(error)) from error
        if not chunk:
            self.failure = _missing("a stored file is shorter than it was when it was written")
            raise OSError(errno.EIO, str(self.failure))
        self._position += len(chunk)
        return chunk

    def close(self) -> None:
        """Close the part that is open."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None
        super().close()

    def _index_at(self, position: int) -> int:
        low, high = 0, len(self._parts) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._parts[middle].offset <= position:
                low = middle
            else:
                high = middle - 1
        return low

    def _part(self, index: int, inside: int) -> Any:
        if index != self._open_index or self._handle is None:
            if self._handle is not None:
                self._handle.close()
                self._handle = None
            self._handle = self._storage.open_part(self._parts[index].key)
            self._open_index = index
        if self._handle.tell() != inside:
            self._handle.seek(inside)
        return self._handle


@contextmanager
def _translated() -> Iterator[None]:
    """What a file system raises becomes a `StorageError` that says what it means for the caller."""
    try:
        yield
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise _missing("a part of the file is not in the media folder any more") from error
    except OSError as error:
        raise StorageError(f"the media folder does not take this now: {_meaning(error)}") from error
    except Exception as error:  # the clients of object stores have errors of their own
        raise StorageError(f"the media store failed ({type(error).__name__}); try again later") from error


def _missing(what: str) -> StorageError:
    return StorageError(f"{what}; upload it again", metadata={"cause": _MISSING})


def _meaning(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; make room on the server and try again"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "it is read-only; make it writable for the server and try again"
    return f"{error.strerror or type(error).__name__}; try again later"
