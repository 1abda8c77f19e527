"""Leases: one writer at a time, no clock compared with another, nothing written twice."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from facewright_server.errors import StorageError
from facewright_server.jobs.leases import Claims, Lease, LeaseLostError
from facewright_server.jobs.processes import ProcessIdentity, this_process
from facewright_server.jobs.records import ItemOutcome, NewOperation, OperationRecord, OperationState
from facewright_server.jobs.store import create_operation, find_operation, request_cancel, sweep_operations
from facewright_server.jobs.tables import INPUTS
from facewright_server.persistence import Database
from unit.server.fakes.stores import database_url
from unit.server.test_jobs_store import count, set_room

LEASE_SECS = 15.0
HOUR = 3600.0


def elsewhere() -> ProcessIdentity:
    """A process on a machine of its own."""
    return ProcessIdentity(boot_id=uuid.uuid4().hex, pid_namespace="pid:[1]", pid=1, start_ticks=1, nonce="a")


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Worker:
    """Claims with clocks that a test moves."""

    def __init__(
        self, database: Database, *, identity: ProcessIdentity | None = None, kinds: tuple[str, ...] = ("k",)
    ) -> None:
        self.steady = Clock(100.0)
        self.wall = Clock(1_000_000.0)
        self.claims = Claims(
            database,
            kinds=kinds,
            identity=identity or elsewhere(),
            lease_secs=LEASE_SECS,
            result_ttl_secs=60.0,
            steady_clock=self.steady,
            wall_clock=self.wall,
        )

    def claim(self) -> Lease:
        lease = self.claims.claim()
        assert lease is not None
        return lease


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(database_url(tmp_path))
    yield opened
    opened.close()


def create(database: Database, *, items: int = 3) -> OperationRecord:
    new = NewOperation(
        owner="ann",
        kind="k",
        request_id="",
        request_digest="d",
        spec=b"spec",
        inputs=[b"input %d" % index for index in range(items)],
    )
    with database.transaction() as connection:
        return create_operation(connection, new, now=1000.0, max_open=99)


def look_up(database: Database, lease: Lease) -> OperationRecord:
    with database.transaction() as connection:
        return find_operation(connection, lease.name, owner="ann")


def outcome(index: int, *, is_failed: bool = False) -> ItemOutcome:
    return ItemOutcome(index=index, is_failed=is_failed, content=b"outcome %d" % index)


def test_the_oldest_operation_is_claimed_first_and_only_once(database: Database) -> None:
    first, second = create(database), create(database)
    workers = [Worker(database) for _ in range(3)]
    assert [worker.claim().name for worker in workers[:2]] == [first.name, second.name]
    assert workers[2].claims.claim() is None


def test_a_kind_that_this_server_does_not_know_is_left_to_one_that_does(database: Database) -> None:
    create(database)
    assert Worker(database, kinds=("other",)).claims.claim() is None


def test_an_operation_from_the_first_to_the_last_item(database: Database) -> None:
    create(database, items=2)
    worker = Worker(database)
    lease = worker.claim()
    items = worker.claims.start_items(lease, limit=9)
    assert [(item.index, item.content, item.start_count) for item in items] == [
        (0, b"input 0", 1),
        (1, b"input 1", 1),
    ]
    worker.claims.commit_item(lease, outcome(0))
    worker.claims.commit_item(lease, outcome(1, is_failed=True))
    assert worker.claims.start_items(lease, limit=9) == []
    assert worker.claims.outcomes(lease) == [b"outcome 0", b"outcome 1"]
    worker.claims.end(lease, state=OperationState.SUCCEEDED, result=b"result")
    record = look_up(database, lease)
    assert (record.state, record.result) == (OperationState.SUCCEEDED, b"result")
    assert (record.done_count, record.failed_count, record.attempt) == (1, 1, 1)


def test_a_photo_is_gone_as_soon_as_its_outcome_is_there(database: Database) -> None:
    create(database, items=2)
    worker = Worker(database)
    lease = worker.claim()
    worker.claims.commit_item(lease, outcome(1))
    assert count(database, INPUTS) == 1
    worker.claims.end(lease, state=OperationState.FAILED, result=b"")
    assert count(database, INPUTS) == 0


def test_an_outcome_is_written_once(database: Database) -> None:
    create(database)
    worker = Worker(database)
    lease = worker.claim()
    worker.claims.commit_item(lease, outcome(0))
    with pytest.raises(LeaseLostError):
        worker.claims.commit_item(lease, outcome(0, is_failed=True))
    record = look_up(database, lease)
    assert (record.done_count, record.failed_count) == (1, 0)


def test_a_holder_that_beats_keeps_its_lease_for_ever(database: Database) -> None:
    create(database)
    holder, waiting = Worker(database), Worker(database)
    lease = holder.claim()
    for _ in range(10):
        assert waiting.claims.claim() is None
        waiting.steady.now += LEASE_SECS - 1
        holder.claims.renew(lease, partial_items=0.5)
    assert look_up(database, lease).partial_items == 0.5


def test_a_silent_holder_loses_its_lease_after_the_time_of_the_one_who_watches(database: Database) -> None:
    create(database)
    holder, heir = Worker(database), Worker(database)
    lease = holder.claim()
    assert heir.claims.claim() is None
    heir.steady.now += LEASE_SECS - 0.1
    assert heir.claims.claim() is None
    heir.steady.now += 0.2
    assert heir.claim().name == lease.name
    assert look_up(database, lease).attempt == 2


def test_a_fresh_process_watches_for_the_whole_time_before_it_takes_over(database: Database) -> None:
    create(database)
    Worker(database).claim()
    fresh = Worker(database)
    fresh.steady.now = 10**6  # a machine that has been up for long
    assert fresh.claims.claim() is None


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_of_the_wall_clock_takes_no_lease_away_and_keeps_none(database: Database, jump: float) -> None:
    create(database)
    holder, other = Worker(database), Worker(database)
    lease = holder.claim()
    assert other.claims.claim() is None
    other.wall.now += jump
    assert other.claims.claim() is None  # neither lost
    holder.claims.commit_item(lease, outcome(0))
    assert other.claims.claim() is None
    other.steady.now += LEASE_SECS
    heir = other.claim()  # nor kept by one that is silent
    assert [item.index for item in other.claims.start_items(heir, limit=9)] == [1, 2]
    with pytest.raises(LeaseLostError):
        holder.claims.commit_item(lease, outcome(1))
    for index in (1, 2):
        other.claims.commit_item(heir, outcome(index))
    other.claims.end(heir, state=OperationState.SUCCEEDED, result=b"r")
    assert look_up(database, heir).done_count == 3


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_of_the_wall_clock_never_sweeps_an_operation_that_is_not_done(
    database: Database, jump: float
) -> None:
    create(database)
    worker = Worker(database)
    lease = worker.claim()
    with database.transaction() as connection:
        assert sweep_operations(connection, now=worker.wall.now + jump) == 0
    worker.claims.renew(lease, partial_items=0.0)


@pytest.mark.parametrize("write", ["renew", "look", "start", "commit", "outcomes", "end", "release"])
def test_a_worker_whose_lease_was_taken_over_writes_nothing_more(database: Database, write: str) -> None:
    create(database)
    holder, heir = Worker(database), Worker(database)
    lease = holder.claim()
    heir.claims.claim()
    heir.steady.now += LEASE_SECS
    taken = heir.claim()
    before = look_up(database, taken)
    claims = holder.claims
    writes = {
        "renew": lambda: claims.renew(lease, partial_items=2.0),
        "look": lambda: claims.look(lease),
        "start": lambda: claims.start_items(lease, limit=1),
        "commit": lambda: claims.commit_item(lease, outcome(0)),
        "outcomes": lambda: claims.outcomes(lease),
        "end": lambda: claims.end(lease, state=OperationState.FAILED, result=b"late"),
        "release": lambda: claims.release(lease),
    }
    with pytest.raises(LeaseLostError):
        writes[write]()
    assert look_up(database, taken) == before
    assert [item.start_count for item in heir.claims.start_items(taken, limit=9)] == [1, 1, 1]


def test_the_lease_of_a_dead_process_is_taken_over_at_once(database: Database) -> None:
    create(database)
    here = this_process()
    dead = ProcessIdentity(
        boot_id=here.boot_id, pid_namespace=here.pid_namespace, pid=here.pid, start_ticks=1, nonce="x"
    )
    Worker(database, identity=dead).claim()
    heir = Worker(database, identity=here)
    assert heir.claims.claim() is not None


def test_the_lease_of_a_living_process_is_not_taken_over_at_once(database: Database) -> None:
    create(database)
    Worker(database, identity=this_process()).claim()
    assert Worker(database, identity=this_process()).claims.claim() is None


def test_an_operation_that_is_given_back_is_claimed_at_once(database: Database) -> None:
    create(database)
    worker, heir = Worker(database), Worker(database)
    lease = worker.claim()
    started = worker.claims.start_items(lease, limit=2)
    worker.claims.release(lease, unstarted=[item.index for item in started])
    again = heir.claims.start_items(heir.claim(), limit=2)
    assert [item.start_count for item in again] == [1, 1]


def test_an_item_that_was_started_before_comes_first_and_alone(database: Database) -> None:
    create(database, items=4)
    holder, heir = Worker(database), Worker(database)
    lease = holder.claim()
    holder.claims.commit_item(lease, outcome(0))
    assert [item.index for item in holder.claims.start_items(lease, limit=2)] == [1, 2]
    heir.claims.claim()
    heir.steady.now += LEASE_SECS
    taken = heir.claim()
    for index in (1, 2):
        (item,) = heir.claims.start_items(taken, limit=2)
        assert (item.index, item.start_count) == (index, 2)
        heir.claims.commit_item(taken, outcome(index))
    assert [item.index for item in heir.claims.start_items(taken, limit=2)] == [3]


def test_a_cancel_is_seen_by_the_holder(database: Database) -> None:
    create(database)
    worker = Worker(database)
    lease = worker.claim()
    assert not worker.claims.look(lease).cancel_requested
    with database.transaction() as connection:
        request_cancel(connection, lease.name, owner="ann", now=0.0, expire_secs=0.0, status=b"")
    assert worker.claims.look(lease).cancel_requested
    assert worker.claims.renew(lease, partial_items=0.0).cancel_requested


def test_a_full_disk_keeps_the_lease_and_the_outcome_can_be_written_later(database: Database) -> None:
    create(database)
    worker = Worker(database)
    lease = worker.claim()
    large = ItemOutcome(index=0, is_failed=False, content=b"x" * 10**6)
    set_room(database, pages=0)
    with pytest.raises(StorageError):
        worker.claims.commit_item(lease, large)
    assert look_up(database, lease).done_count == 0
    set_room(database, pages=10**6)
    worker.claims.commit_item(lease, large)
    assert look_up(database, lease).done_count == 1
