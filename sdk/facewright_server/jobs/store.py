"""What clients do with operations, as statements inside a transaction of the caller.

Every question names the owner: an operation of somebody else is as unknown as one that never was.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from facewright_server.errors import (
    OperationNotDoneError,
    QuotaError,
    RequestReusedError,
    UnknownOperationError,
)
from facewright_server.jobs.records import OPEN_STATES, NewOperation, OperationRecord, OperationState
from facewright_server.jobs.tables import INPUTS, ITEMS, OPERATIONS

__all__ = [
    "OperationQuery",
    "any_open",
    "create_operation",
    "delete_operation",
    "done_among",
    "end_operation",
    "find_operation",
    "is_request_known",
    "list_operations",
    "overwrite_deleted",
    "request_cancel",
    "sweep_operations",
]

NAME_PREFIX = "operations/"
_COLUMNS = [OPERATIONS.c[name] for name in OperationRecord.__dataclass_fields__]
_OPEN = [state.value for state in OPEN_STATES]


@dataclass(frozen=True, kw_only=True)
class OperationQuery:
    """Conditions that all hold; None asks for nothing. `name_pattern` is a name, or a prefix and ``*``."""

    done: bool | None = None
    kinds: frozenset[str] | None = None
    without_kinds: frozenset[str] = frozenset()
    name_pattern: str | None = None
    before_sequence: int | None = None


def create_operation(
    connection: Connection, new: NewOperation, *, now: float, max_open: int
) -> OperationRecord:
    """The new operation, or the one that an earlier call with the same request_id made.

    Raises `RequestReusedError`, `QuotaError`. Where two calls race on a database that lets them, the later one
    fails with `sqlalchemy.exc.IntegrityError`: try again in a new transaction.
    """
    if new.request_id and (earlier := _by_request_id(connection, new)) is not None:
        return earlier
    mine = sa.select(sa.func.count()).where(OPERATIONS.c.owner == new.owner, OPERATIONS.c.state.in_(_OPEN))
    open_count = connection.scalar(mine) or 0
    if open_count >= max_open:
        raise QuotaError(
            f"{open_count} operations are not done, and a client may have {max_open}; wait for one, or cancel it",
            metadata={"operations": str(open_count), "max_operations": str(max_open)},
        )
    name = NAME_PREFIX + uuid.uuid4().hex
    connection.execute(
        OPERATIONS.insert().values(
            name=name,
            owner=new.owner,
            kind=new.kind,
            request_id=new.request_id or None,
            request_digest=new.request_digest,
            spec=new.spec,
            state=OperationState.WAITING.value,
            item_count=len(new.inputs),
            create_secs=now,
        )
    )
    record = find_operation(connection, name, owner=new.owner)
    connection.execute(
        ITEMS.insert(), [{"operation": record.sequence, "item": index} for index in range(len(new.inputs))]
    )
    for index, content in enumerate(new.inputs):  # one by one: together they may be large
        connection.execute(INPUTS.insert().values(operation=record.sequence, item=index, content=content))
    return record


def is_request_known(connection: Connection, new: NewOperation) -> bool:
    """Whether an earlier call with its request_id made the operation. Raises `RequestReusedError`."""
    return _by_request_id(connection, new) is not None


def find_operation(connection: Connection, name: str, *, owner: str) -> OperationRecord:
    """Raises `UnknownOperationError`."""
    row = connection.execute(sa.select(*_COLUMNS).where(_is_named(name, owner))).mappings().first()
    if row is None:
        raise _unknown(name)
    return _record(row)


def list_operations(
    connection: Connection, query: OperationQuery, *, owner: str, limit: int, max_bytes: int
) -> tuple[list[OperationRecord], bool]:
    """Newest first: what comes later never shifts a page. And whether there are more.

    Fewer than `limit` when their results would take more than `max_bytes`; at least one.
    """
    conditions = [OPERATIONS.c.owner == owner, *_conditions(query)]
    size = sa.func.coalesce(sa.func.length(OPERATIONS.c.result), 0)
    wanted = (
        sa.select(OPERATIONS.c.sequence, size)
        .where(*conditions)
        .order_by(OPERATIONS.c.sequence.desc())
        .limit(limit + 1)
    )
    found = connection.execute(wanted).all()
    taken: list[int] = []
    byte_count = 0
    for sequence, result_bytes in found[:limit]:
        byte_count += result_bytes
        if taken and byte_count > max_bytes:
            break
        taken.append(sequence)
    rows = connection.execute(
        sa.select(*_COLUMNS).where(OPERATIONS.c.sequence.in_(taken)).order_by(OPERATIONS.c.sequence.desc())
    ).mappings()
    return [_record(row) for row in rows], len(found) > len(taken)


def request_cancel(
    connection: Connection, name: str, *, owner: str, now: float, expire_secs: float, status: bytes
) -> None:
    """One that waits ends at once with `status`; one that runs is ended by its worker; a done one stays so.

    Raises `UnknownOperationError`.
    """
    record = find_operation(connection, name, owner=owner)
    if record.state is OperationState.WAITING:
        end_operation(
            connection,
            record.sequence,
            state=OperationState.CANCELLED,
            result=status,
            now=now,
            expire_secs=expire_secs,
        )
    elif record.state is OperationState.RUNNING:
        connection.execute(
            OPERATIONS.update().where(OPERATIONS.c.sequence == record.sequence).values(cancel_requested=True)
        )


def delete_operation(connection: Connection, name: str, *, owner: str) -> None:
    """Forget a done operation and its result. Raises `UnknownOperationError`, `OperationNotDoneError`."""
    record = find_operation(connection, name, owner=owner)
    if not record.state.is_done:
        raise OperationNotDoneError(
            f"{name} is not done; cancel it first, or wait for it", metadata={"state": record.state.value}
        )
    _forget(connection, [record.sequence])


def done_among(connection: Connection, names: Sequence[str]) -> set[str]:
    """Those names whose operations are done or gone. Not bound to an owner: for the server's own watch."""
    rows = connection.execute(
        sa.select(OPERATIONS.c.name).where(OPERATIONS.c.name.in_(names), OPERATIONS.c.state.in_(_OPEN))
    )
    return set(names) - set(rows.scalars())


def any_open(connection: Connection) -> bool:
    """Whether there is work for a worker."""
    row = connection.execute(
        sa.select(OPERATIONS.c.sequence).where(OPERATIONS.c.state.in_(_OPEN)).limit(1)
    ).first()
    return row is not None


def sweep_operations(connection: Connection, *, now: float) -> int:
    """Forget what has been done for longer than it is kept; how many those were."""
    expired = connection.execute(
        sa.select(OPERATIONS.c.sequence).where(
            OPERATIONS.c.expire_secs < now, OPERATIONS.c.state.not_in(_OPEN)
        )
    )
    sequences = list(expired.scalars())
    _forget(connection, sequences)
    return len(sequences)


def end_operation(
    connection: Connection,
    sequence: int,
    *,
    state: OperationState,
    result: bytes,
    now: float,
    expire_secs: float,
) -> None:
    """Write the end, and drop items and inputs: the result has what is kept."""
    connection.execute(
        OPERATIONS.update()
        .where(OPERATIONS.c.sequence == sequence)
        .values(
            state=state.value,
            result=result,
            end_secs=now,
            expire_secs=expire_secs,
            holder=None,
            partial_items=0.0,
        )
    )
    overwrite_deleted(connection)
    connection.execute(INPUTS.delete().where(INPUTS.c.operation == sequence))
    connection.execute(ITEMS.delete().where(ITEMS.c.operation == sequence))


def overwrite_deleted(connection: Connection) -> None:
    """In SQLite, zero what this connection deletes: photos do not linger in free pages of the file."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def _by_request_id(connection: Connection, new: NewOperation) -> OperationRecord | None:
    columns = [*_COLUMNS, OPERATIONS.c.request_digest]
    same_id = (OPERATIONS.c.owner == new.owner, OPERATIONS.c.request_id == new.request_id)
    row = connection.execute(sa.select(*columns).where(*same_id)).mappings().first()
    if row is None:
        return None
    if (row["kind"], row["request_digest"]) != (new.kind, new.request_digest):
        raise RequestReusedError(
            f"the request_id {new.request_id} belongs to another request; use a new one for each request",
            field="request_id",
        )
    return _record(row)


def _conditions(query: OperationQuery) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if query.done is not None:
        is_open = OPERATIONS.c.state.in_(_OPEN)
        conditions.append(sa.not_(is_open) if query.done else is_open)
    if query.kinds is not None:
        conditions.append(OPERATIONS.c.kind.in_(sorted(query.kinds)))
    if query.without_kinds:
        conditions.append(OPERATIONS.c.kind.not_in(sorted(query.without_kinds)))
    if query.name_pattern is not None:
        if query.name_pattern.endswith("*"):
            conditions.append(OPERATIONS.c.name.startswith(query.name_pattern[:-1], autoescape=True))
        else:
            conditions.append(OPERATIONS.c.name == query.name_pattern)
    if query.before_sequence is not None:
        conditions.append(OPERATIONS.c.sequence < query.before_sequence)
    return conditions


def _forget(connection: Connection, sequences: Sequence[int]) -> None:
    overwrite_deleted(connection)
    for table, column in (
        (INPUTS, INPUTS.c.operation),
        (ITEMS, ITEMS.c.operation),
        (OPERATIONS, OPERATIONS.c.sequence),
    ):
        connection.execute(table.delete().where(column.in_(sequences)))


def _is_named(name: str, owner: str) -> sa.ColumnElement[bool]:
    return sa.and_(OPERATIONS.c.name == name, OPERATIONS.c.owner == owner)


def _record(row: "sa.RowMapping") -> OperationRecord:
    values = {name: row[name] for name in OperationRecord.__dataclass_fields__}
    return OperationRecord(**{**values, "state": OperationState(row["state"])})


def _unknown(name: str) -> UnknownOperationError:
    return UnknownOperationError(
        f"there is no operation {name[:100]!r}, or it is not one of this client, or its time is over",
        field="name",
    )
