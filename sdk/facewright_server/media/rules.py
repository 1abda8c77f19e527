"""Small rules of the catalogue: same request or another, enough room or not, where a page begins."""

import base64
import binascii
import hashlib

from sqlalchemy.engine import RowMapping

from facewright_server.errors import (
    InvalidRequestError,
    QuotaError,
    RequestReusedError,
    UploadConflictError,
)
from facewright_server.media.records import UploadRequest

__all__ = ["check_quota", "fingerprint", "read_token", "same_request", "write_token", "wrong_offset"]


def fingerprint(request: UploadRequest) -> str:
    """What tells one request from another that has the same request_id."""
    text = "\0".join(
        (str(request.size_bytes), request.sha256, request.display_name, str(request.ttl_secs or ""))
    )
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def same_request(row: RowMapping, identity: str) -> RowMapping:
    """The row that the request made before. Raises `RequestReusedError` when it was another request."""
    if row["fingerprint"] != identity:
        raise RequestReusedError(
            "the request_id was used for another file before; use a new one for every file",
            field="request_id",
        )
    return row


def check_quota(used: int, wanted: int, most: int) -> None:
    """Bytes of one client. Raises `QuotaError`."""
    if used + wanted > most:
        raise QuotaError(
            f"you have {used:,} bytes of media here and want {wanted:,} more; {most:,} are allowed together; "
            "delete some, or wait until they expire",
            metadata={"used_bytes": str(used), "size_bytes": str(wanted), "max_bytes": str(most)},
        )


def wrong_offset(offset: int, received: int) -> UploadConflictError:
    """The error that says where to go on."""
    return UploadConflictError(
        f"the offset is {offset:,} and {received:,} bytes have arrived; go on from there",
        field="offset",
        metadata={"received_bytes": str(received)},
    )


def write_token(row: RowMapping) -> str:
    """A page token: the position of the last row of a page."""
    return base64.urlsafe_b64encode(f"{row['completed_us']}:{row['id']}".encode()).decode()


def read_token(token: str) -> tuple[int, str]:
    """Position (completed_us, id) after which a page begins. Raises `InvalidRequestError`."""
    if not token:
        return (-1, "")
    try:
        position, separator, media_id = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if separator and len(media_id) == 32 and 0 <= int(position) < 1 << 63:
            return int(position), media_id
    except (ValueError, binascii.Error):
        pass
    raise InvalidRequestError(
        "page_token is not one that this server gave; repeat the listing from its first page",
        field="page_token",
    )
