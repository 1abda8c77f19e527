"""What workers do with operations: claim one under a lease, checkpoint items, end it.

A lease is a number, `fence`, that grows with every claim. Every write of a worker names its number and changes
nothing when the row has a higher one, so a worker that was given up for dead, and is not, cannot write any more.

Whether a holder is alive is judged without comparing clocks. It raises `beat` while it lives; who wants to take
over must have seen the same beat for `lease_secs` of its own steady clock, or prove that the process has ended.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from facewright_server.jobs.processes import ProcessIdentity, is_provably_dead
from facewright_server.jobs.records import OPEN_STATES, ItemInput, ItemOutcome, OperationState
from facewright_server.jobs.store import end_operation, overwrite_deleted
from facewright_server.jobs.tables import INPUTS, ITEMS, OPERATIONS
from facewright_server.persistence import Database

__all__ = ["Claims", "Lease", "LeaseLostError", "LeaseView"]


class LeaseLostError(Exception):
    """Somebody else holds the operation now, or it is gone; whatever was to be written is theirs to write."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to write outcomes of one operation, for as long as nobody holds a higher `fence`."""

    sequence: int
    name: str
    owner: str
    kind: str
    fence: int
    item_count: int
    spec: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class LeaseView:
    """What a worker learns when it shows a sign of life."""

    cancel_requested: bool


class Claims:
    """The claims of one worker. Clocks are parameters, so that tests make them jump."""

    def __init__(
        self,
        database: Database,
        *,
        kinds: Collection[str],
        identity: ProcessIdentity,
        lease_secs: float,
        result_ttl_secs: float,
        steady_clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._kinds = tuple(kinds)  # a newer server on the same database may have jobs unknown to this one
        self._identity = identity
        self._lease_secs = lease_secs
        self._result_ttl_secs = result_ttl_secs
        self._steady_clock = steady_clock
        self._wall_clock = wall_clock
        self._seen: dict[int, tuple[int, int, float]] = {}  # sequence -> fence, beat, first seen

    def claim(self) -> Lease | None:
        """The oldest operation that waits or whose holder is silent or dead. Raises `StorageError`."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                sa.select(
                    OPERATIONS.c.sequence,
                    OPERATIONS.c.state,
                    OPERATIONS.c.fence,
                    OPERATIONS.c.beat,
                    OPERATIONS.c.holder,
                )
                .where(
                    OPERATIONS.c.state.in_([state.value for state in OPEN_STATES]),
                    OPERATIONS.c.kind.in_(self._kinds),
                )
                .order_by(OPERATIONS.c.sequence)
            ).all()
            self._seen = {
                row.sequence: self._seen[row.sequence] for row in rows if row.sequence in self._seen
            }
            for row in rows:
                if row.state == OperationState.WAITING or self._is_abandoned(
                    row.sequence, row.fence, row.beat, row.holder
                ):
                    lease = self._take(connection, row.sequence, row.fence)
                    if lease is not None:
                        return lease
        return None

    def renew(self, lease: Lease, *, partial_items: float) -> LeaseView:
        """A sign of life. Raises `LeaseLostError`, `StorageError`."""
        with self._database.transaction() as connection:
            self._write(connection, lease, beat=OPERATIONS.c.beat + 1, partial_items=partial_items)
            return self._view(connection, lease)

    def look(self, lease: Lease) -> LeaseView:
        """What `renew` tells, without writing. Raises `LeaseLostError`, `StorageError`."""
        with self._database.transaction() as connection:
            return self._view(connection, lease)

    def start_items(self, lease: Lease, *, limit: int) -> list[ItemInput]:
        """The next items without an outcome, counted as started; none when all have one.

        An item that was started before comes alone: if it ends the worker again, no other item is blamed.
        Raises `LeaseLostError`, `StorageError`.
        """
        with self._database.transaction() as connection:
            self._write(connection, lease, beat=OPERATIONS.c.beat + 1)
            open_items = connection.execute(
                sa.select(ITEMS.c.item, ITEMS.c.start_count, INPUTS.c.content)
                .join(INPUTS, sa.and_(INPUTS.c.operation == ITEMS.c.operation, INPUTS.c.item == ITEMS.c.item))
                .where(ITEMS.c.operation == lease.sequence, ITEMS.c.outcome.is_(None))
                .order_by(ITEMS.c.start_count.desc(), ITEMS.c.item)
                .limit(limit)
            ).all()
            if open_items and open_items[0].start_count > 0:
                open_items = open_items[:1]
            connection.execute(
                ITEMS.update()
                .where(
                    ITEMS.c.operation == lease.sequence, ITEMS.c.item.in_([row.item for row in open_items])
                )
                .values(start_count=ITEMS.c.start_count + 1)
            )
        return [
            ItemInput(index=row.item, start_count=row.start_count + 1, content=row.content)
            for row in open_items
        ]

    def commit_item(self, lease: Lease, outcome: ItemOutcome) -> None:
        """Write an outcome, once and for ever, and drop the item's input.

        Raises `LeaseLostError` (also for an item that has one already), `StorageError`.
        """
        column = OPERATIONS.c.failed_count if outcome.is_failed else OPERATIONS.c.done_count
        with self._database.transaction() as connection:
            self._write(
                connection,
                lease,
                beat=OPERATIONS.c.beat + 1,
                partial_items=0.0,
                **{column.name: column + 1},
            )
            is_this = (ITEMS.c.operation == lease.sequence, ITEMS.c.item == outcome.index)
            written = connection.execute(
                ITEMS.update().where(*is_this, ITEMS.c.outcome.is_(None)).values(outcome=outcome.content)
            )
            if written.rowcount != 1:
                raise LeaseLostError(f"item {outcome.index} of {lease.name} has an outcome already")
            overwrite_deleted(connection)
            connection.execute(
                INPUTS.delete().where(INPUTS.c.operation == lease.sequence, INPUTS.c.item == outcome.index)
            )

    def outcomes(self, lease: Lease) -> list[bytes]:
        """Of all items, in their order. Raises `LeaseLostError`, `StorageError`."""
        with self._database.transaction() as connection:
            self._view(connection, lease)
            rows = connection.execute(
                sa.select(ITEMS.c.outcome).where(ITEMS.c.operation == lease.sequence).order_by(ITEMS.c.item)
            )
            return list(rows.scalars())

    def end(self, lease: Lease, *, state: OperationState, result: bytes) -> None:
        """Write the result. Raises `LeaseLostError`, `StorageError`."""
        now = self._wall_clock()
        with self._database.transaction() as connection:
            self._write(connection, lease, beat=OPERATIONS.c.beat + 1)
            end_operation(
                connection,
                lease.sequence,
                state=state,
                result=result,
                now=now,
                expire_secs=now + self._result_ttl_secs,
            )

    def release(self, lease: Lease, *, unstarted: Collection[int] = ()) -> None:
        """Give the operation back unharmed: the next worker may take it at once.

        `unstarted` are items whose start under this lease no longer counts. Raises `LeaseLostError`, `StorageError`.
        """
        with self._database.transaction() as connection:
            self._write(connection, lease, state=OperationState.WAITING.value, holder=None, partial_items=0.0)
            connection.execute(
                ITEMS.update()
                .where(
                    ITEMS.c.operation == lease.sequence,
                    ITEMS.c.outcome.is_(None),
                    ITEMS.c.item.in_(unstarted),
                )
                .values(start_count=ITEMS.c.start_count - 1)
            )

    def _is_abandoned(self, sequence: int, fence: int, beat: int, holder: str | None) -> bool:
        if holder is None or is_provably_dead(holder, here=self._identity):
            return True
        now = self._steady_clock()
        seen = self._seen.get(sequence)
        if seen is None or seen[:2] != (fence, beat):
            self._seen[sequence] = (fence, beat, now)
            return False
        return now - seen[2] >= self._lease_secs

    def _take(self, connection: Connection, sequence: int, fence: int) -> Lease | None:
        """None when another worker was quicker, on a database that lets both look at the same time."""
        taken = connection.execute(
            OPERATIONS.update()
            .where(OPERATIONS.c.sequence == sequence, OPERATIONS.c.fence == fence)
            .values(
                state=OperationState.RUNNING.value,
                fence=fence + 1,
                beat=OPERATIONS.c.beat + 1,
                attempt=OPERATIONS.c.attempt + 1,
                holder=str(self._identity),
                partial_items=0.0,
                start_secs=sa.func.coalesce(OPERATIONS.c.start_secs, self._wall_clock()),
            )
        )
        if taken.rowcount != 1:
            return None
        names = ("name", "owner", "kind", "item_count", "spec")
        row = connection.execute(
            sa.select(*(OPERATIONS.c[name] for name in names)).where(OPERATIONS.c.sequence == sequence)
        ).one()
        return Lease(
            sequence=sequence,
            fence=fence + 1,
            name=row.name,
            owner=row.owner,
            kind=row.kind,
            item_count=row.item_count,
            spec=row.spec,
        )

    def _write(self, connection: Connection, lease: Lease, **values: object) -> None:
        written = connection.execute(OPERATIONS.update().where(*_is_held(lease)).values(**values))
        if written.rowcount != 1:
            raise LeaseLostError(f"the lease of {lease.name} was taken over")

    def _view(self, connection: Connection, lease: Lease) -> LeaseView:
        row = connection.execute(sa.select(OPERATIONS.c.cancel_requested).where(*_is_held(lease))).first()
        if row is None:
            raise LeaseLostError(f"the lease of {lease.name} was taken over")
        return LeaseView(cancel_requested=row.cancel_requested)


def _is_held(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        OPERATIONS.c.sequence == lease.sequence,
        OPERATIONS.c.fence == lease.fence,
        OPERATIONS.c.state == OperationState.RUNNING.value,
    )
