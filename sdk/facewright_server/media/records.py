"""What the register knows of files, as values. Times are microseconds since 1970 on the service clock."""

import re
from dataclasses import dataclass

from facewright_models.media_probe import MediaInfo
from facewright_server.errors import UnknownMediaError

__all__ = [
    "Claim",
    "MediaPage",
    "MediaRecord",
    "PartRecord",
    "StoreLimits",
    "UploadRecord",
    "UploadRequest",
    "id_of",
    "name_of",
    "unknown",
]

_NAME = re.compile(r"media/([0-9a-f]{32})")


@dataclass(frozen=True, kw_only=True)
class UploadRequest:
    """A file that a client announces. `sha256` is lower-case hexadecimals, or empty: not announced."""

    size_bytes: int
    sha256: str = ""
    display_name: str = ""
    request_id: str = ""
    ttl_secs: float | None = None


@dataclass(frozen=True, kw_only=True)
class UploadRecord:
    """How far an upload is; complete media are uploads of which everything has arrived."""

    name: str
    size_bytes: int
    received_bytes: int
    expire_us: int


@dataclass(frozen=True, kw_only=True)
class MediaRecord:
    """A complete file. `info` is None for results of jobs that are neither image nor video."""

    name: str
    owner: str
    display_name: str
    size_bytes: int
    sha256: str
    content_type: str
    create_us: int
    expire_us: int
    info: MediaInfo | None


@dataclass(frozen=True, kw_only=True)
class MediaPage:
    """Some files of a client, oldest first; `next_token` is empty on the last page."""

    media: tuple[MediaRecord, ...]
    next_token: str


@dataclass(frozen=True, kw_only=True)
class PartRecord:
    """A stretch of a file, stored under `key`."""

    key: str
    number: int
    offset: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class StoreLimits:
    """`max_client_bytes` is for everything that one client has, `part_bytes` for one stored object."""

    max_upload_bytes: int
    max_client_bytes: int
    ttl_secs: float
    part_bytes: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to add to an upload, until another call claims it. `media` is set when it is complete."""

    media_id: str
    writer: str
    announced_sha256: str
    upload: UploadRecord
    media: MediaRecord | None


def name_of(media_id: str) -> str:
    """32 hexadecimals -> resource name."""
    return f"media/{media_id}"


def id_of(name: str) -> str:
    """Resource name -> id. Raises `UnknownMediaError`: a malformed name names nothing."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise unknown(name)
    return match[1]


def unknown(name: str) -> UnknownMediaError:
    """The one answer for what does not exist, is expired, not complete, or somebody else's."""
    shown = name if len(name) <= 80 else name[:79] + "…"
    return UnknownMediaError(
        f"there is no media {shown!r}, or it has expired; upload the file again",
        field="name",
        metadata={"name": shown},
    )
