"""The register of media in SQL: what exists, whose it is, how much of it has arrived, when it goes.

A row of `media` is an upload until `completed_us` is set. A row of `media_part` names one stored object; it is
written before the object and marked complete after the object is safe, so whatever lies in storage has a row.
A part is garbage when its media row is gone, or when it is incomplete and another call writes the upload now.

Every function takes the connection of a running transaction; those with a `writer` raise
`UploadConflictError` when the upload is no longer that writer's. Bytes are the business of `storage`.
"""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint
from sqlalchemy.engine import Connection, RowMapping

from facewright_models.media_probe import MediaInfo, media_info_from_json, media_info_to_json
from facewright_server.errors import UploadConflictError
from facewright_server.media.records import MediaRecord, PartRecord, UploadRecord, name_of
from facewright_server.persistence.database import METADATA

__all__ = [
    "any_row",
    "claim",
    "complete",
    "complete_part",
    "delete",
    "delete_expired",
    "find",
    "find_by_request",
    "find_by_sha256",
    "forget_parts",
    "garbage_keys",
    "insert",
    "insert_part",
    "media_record",
    "page",
    "parts_of",
    "reject",
    "truncate",
    "upload_record",
    "used_bytes",
]

_MEDIA = Table(
    "media",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("request_id", String(256)),  # NULL: none was given, or it is free again
    Column("fingerprint", String(64), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("announced_sha256", String(64), nullable=False),
    Column("ttl_us", BigInteger, nullable=False),
    Column("received_bytes", BigInteger, nullable=False),
    Column("writer", String(32), nullable=False),
    Column("expire_us", BigInteger, nullable=False),
    Column("completed_us", BigInteger),
    Column("sha256", String(64), nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("info_json", Text, nullable=False),
    UniqueConstraint("owner", "request_id", name="media_request"),
    Index("media_by_owner", "owner", "completed_us", "id"),
    Index("media_by_expiry", "expire_us"),
)
_PART = Table(
    "media_part",
    METADATA,
    Column("key", String(80), primary_key=True),
    Column("media_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("writer", String(32), nullable=False),
    Column("is_complete", Boolean, nullable=False),
    Index("media_part_by_media", "media_id", "number"),
)


def insert(connection: Connection, **values: Any) -> None:
    """A new upload. Raises `IntegrityError` when owner and request_id are taken."""
    defaults: dict[str, Any] = {
        "received_bytes": 0,
        "writer": "",
        "completed_us": None,
        "sha256": "",
        "content_type": "",
        "info_json": "",
    }
    connection.execute(_MEDIA.insert().values(**{**defaults, **values}))


def any_row(connection: Connection, media_id: str) -> RowMapping:
    """The row, whoever asks. Raises `NoResultFound` when it is gone."""
    return connection.execute(_MEDIA.select().where(_MEDIA.c.id == media_id)).mappings().one()


def find(connection: Connection, media_id: str, *, owner: str, now_us: int) -> RowMapping | None:
    """The row of an upload or a complete file that this client may see."""
    found = connection.execute(
        _MEDIA.select().where(_MEDIA.c.id == media_id, _MEDIA.c.owner == owner, _MEDIA.c.expire_us > now_us)
    )
    return found.mappings().first()


def find_by_request(connection: Connection, request_id: str, *, owner: str, now_us: int) -> RowMapping | None:
    """The row that a request made; one that has expired is removed instead, which frees the request_id."""
    mine = (_MEDIA.c.owner == owner, _MEDIA.c.request_id == request_id)
    connection.execute(_MEDIA.delete().where(*mine, _MEDIA.c.expire_us <= now_us))
    return connection.execute(_MEDIA.select().where(*mine)).mappings().first()


def find_by_sha256(connection: Connection, sha256: str, *, owner: str, now_us: int) -> RowMapping | None:
    """The complete file with those bytes that this client keeps longest."""
    found = connection.execute(
        _MEDIA.select()
        .where(
            _MEDIA.c.owner == owner,
            _MEDIA.c.sha256 == sha256,
            _MEDIA.c.completed_us.is_not(None),
            _MEDIA.c.expire_us > now_us,
        )
        .order_by(_MEDIA.c.expire_us.desc())
        .limit(1)
    )
    return found.mappings().first()


def used_bytes(connection: Connection, *, owner: str, now_us: int) -> int:
    """Bytes of a client: of complete files, and of uploads as announced."""
    total = connection.execute(
        sqlalchemy.select(sqlalchemy.func.coalesce(sqlalchemy.func.sum(_MEDIA.c.size_bytes), 0)).where(
            _MEDIA.c.owner == owner, _MEDIA.c.expire_us > now_us
        )
    ).scalar_one()
    return int(total)


def page(
    connection: Connection, *, owner: str, now_us: int, after: tuple[int, str], limit: int
) -> Sequence[RowMapping]:
    """Complete files after (completed_us, id), oldest first."""
    position = sqlalchemy.or_(
        _MEDIA.c.completed_us > after[0],
        sqlalchemy.and_(_MEDIA.c.completed_us == after[0], _MEDIA.c.id > after[1]),
    )
    return (
        connection.execute(
            _MEDIA.select()
            .where(_MEDIA.c.owner == owner, _MEDIA.c.expire_us > now_us, position)
            .order_by(_MEDIA.c.completed_us, _MEDIA.c.id)
            .limit(limit)
        )
        .mappings()
        .all()
    )


def claim(connection: Connection, media_id: str, *, writer: str) -> None:
    """From here on only `writer` may add to the upload."""
    connection.execute(_MEDIA.update().where(_MEDIA.c.id == media_id).values(writer=writer))


def insert_part(connection: Connection, media_id: str, part: PartRecord, *, writer: str) -> None:
    """Announce an object that is about to be written."""
    _check_writer(connection, media_id, writer)
    connection.execute(
        _PART.insert().values(
            key=part.key,
            media_id=media_id,
            number=part.number,
            offset=part.offset,
            size_bytes=0,
            writer=writer,
            is_complete=False,
        )
    )


def complete_part(connection: Connection, media_id: str, part: PartRecord, *, writer: str) -> None:
    """The object is safe: its bytes have arrived."""
    moved = connection.execute(
        _MEDIA.update()
        .where(
            _MEDIA.c.id == media_id,
            _MEDIA.c.writer == writer,
            _MEDIA.c.completed_us.is_(None),
            _MEDIA.c.received_bytes == part.offset,
        )
        .values(received_bytes=part.offset + part.size_bytes)
    )
    if moved.rowcount != 1:
        raise _taken_over()
    connection.execute(
        _PART.update()
        .where(_PART.c.key == part.key)
        .values(number=part.number, offset=part.offset, size_bytes=part.size_bytes, is_complete=True)
    )


def truncate(connection: Connection, media_id: str, *, writer: str, received_bytes: int) -> None:
    """Take back what was found missing in storage: parts from `received_bytes` on."""
    moved = connection.execute(
        _MEDIA.update()
        .where(_MEDIA.c.id == media_id, _MEDIA.c.writer == writer, _MEDIA.c.completed_us.is_(None))
        .values(received_bytes=received_bytes)
    )
    if moved.rowcount != 1:
        raise _taken_over()
    connection.execute(
        _PART.update()
        .where(_PART.c.media_id == media_id, _PART.c.offset >= received_bytes, _PART.c.is_complete)
        .values(is_complete=False, writer="")
    )


def complete(
    connection: Connection,
    media_id: str,
    *,
    writer: str,
    now_us: int,
    sha256: str,
    content_type: str,
    info: MediaInfo | None,
) -> None:
    """Turn an upload into media; its time to live begins."""
    done = connection.execute(
        _MEDIA.update()
        .where(
            _MEDIA.c.id == media_id,
            _MEDIA.c.writer == writer,
            _MEDIA.c.completed_us.is_(None),
            _MEDIA.c.received_bytes == _MEDIA.c.size_bytes,
        )
        .values(
            writer="",
            completed_us=now_us,
            expire_us=now_us + _MEDIA.c.ttl_us,
            sha256=sha256,
            content_type=content_type,
            info_json=json.dumps(media_info_to_json(info)) if info is not None else "",
        )
    )
    if done.rowcount != 1:
        raise _taken_over()


def delete(connection: Connection, media_id: str) -> None:
    """Remove a file or an upload; its parts become garbage."""
    connection.execute(_MEDIA.delete().where(_MEDIA.c.id == media_id))


def reject(connection: Connection, media_id: str, *, writer: str) -> None:
    """Remove an upload that cannot be used."""
    done = connection.execute(_MEDIA.delete().where(_MEDIA.c.id == media_id, _MEDIA.c.writer == writer))
    if done.rowcount != 1:
        raise _taken_over()


def delete_expired(connection: Connection, *, now_us: int) -> int:
    """Remove what has expired; how many rows that were."""
    return int(connection.execute(_MEDIA.delete().where(_MEDIA.c.expire_us <= now_us)).rowcount)


def parts_of(connection: Connection, media_id: str) -> tuple[PartRecord, ...]:
    """Complete parts in order."""
    rows = connection.execute(
        _PART.select().where(_PART.c.media_id == media_id, _PART.c.is_complete).order_by(_PART.c.offset)
    ).mappings()
    return tuple(
        PartRecord(key=row["key"], number=row["number"], offset=row["offset"], size_bytes=row["size_bytes"])
        for row in rows
    )


def garbage_keys(connection: Connection, *, limit: int, media_id: str | None = None) -> list[str]:
    """Keys of objects that nothing refers to any more."""
    joined = _PART.outerjoin(_MEDIA, _PART.c.media_id == _MEDIA.c.id)
    query = (
        sqlalchemy.select(_PART.c.key)
        .select_from(joined)
        .where(
            sqlalchemy.or_(
                _MEDIA.c.id.is_(None),
                sqlalchemy.and_(_PART.c.is_complete.is_(False), _PART.c.writer != _MEDIA.c.writer),
            )
        )
        .limit(limit)
    )
    if media_id is not None:
        query = query.where(_PART.c.media_id == media_id)
    return list(connection.execute(query).scalars())


def forget_parts(connection: Connection, keys: Sequence[str]) -> None:
    """Remove the rows of objects that are gone from storage."""
    connection.execute(_PART.delete().where(_PART.c.key.in_(keys)))


def upload_record(row: RowMapping) -> UploadRecord:
    """The row as an upload."""
    return UploadRecord(
        name=name_of(row["id"]),
        size_bytes=row["size_bytes"],
        received_bytes=row["received_bytes"],
        expire_us=row["expire_us"],
    )


def media_record(row: RowMapping) -> MediaRecord:
    """The row of a complete file."""
    return MediaRecord(
        name=name_of(row["id"]),
        owner=row["owner"],
        display_name=row["display_name"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        content_type=row["content_type"],
        create_us=row["completed_us"],
        expire_us=row["expire_us"],
        info=media_info_from_json(json.loads(row["info_json"])) if row["info_json"] else None,
    )


def _check_writer(connection: Connection, media_id: str, writer: str) -> None:
    found = connection.execute(
        sqlalchemy.select(_MEDIA.c.id).where(
            _MEDIA.c.id == media_id, _MEDIA.c.writer == writer, _MEDIA.c.completed_us.is_(None)
        )
    )
    if found.first() is None:
        raise _taken_over()


def _taken_over() -> UploadConflictError:
    return UploadConflictError(
        "this call no longer writes the upload: it was deleted, has expired, or a later call goes on with it; "
        "ask GetUpload how much has arrived"
    )
