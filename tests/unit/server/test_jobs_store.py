"""Operations in the database, as their owners see them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from facewright_server.errors import (
    ConfigError,
    OperationNotDoneError,
    QuotaError,
    RequestReusedError,
    StorageError,
    UnknownOperationError,
)
from facewright_server.jobs.records import NewOperation, OperationRecord, OperationState
from facewright_server.jobs.store import (
    OperationQuery,
    any_open,
    create_operation,
    delete_operation,
    done_among,
    find_operation,
    list_operations,
    request_cancel,
    sweep_operations,
)
from facewright_server.jobs.tables import INPUTS, ITEMS, OPERATIONS
from facewright_server.persistence import Database
from unit.server.fakes.stores import database_url, skip_elsewhere

NEW = NewOperation(
    owner="ann", kind="batch-fit", request_id="", request_digest="d", spec=b"spec", inputs=(b"one", b"two")
)
STATUS = b"cancelled"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(database_url(tmp_path))
    yield opened
    opened.close()


def create(
    database: Database, new: NewOperation = NEW, *, now: float = 1000.0, max_open: int = 9
) -> OperationRecord:
    with database.transaction() as connection:
        return create_operation(connection, new, now=now, max_open=max_open)


def find(database: Database, name: str, owner: str = "ann") -> OperationRecord:
    with database.transaction() as connection:
        return find_operation(connection, name, owner=owner)


def cancel(database: Database, name: str, *, now: float = 1001.0, owner: str = "ann") -> None:
    with database.transaction() as connection:
        request_cancel(connection, name, owner=owner, now=now, expire_secs=now + 60, status=STATUS)


def names(
    database: Database,
    query: OperationQuery = OperationQuery(),  # noqa: B008 - frozen
    *,
    limit: int = 100,
    max_bytes: int = 10**6,
    owner: str = "ann",
) -> list[str]:
    with database.transaction() as connection:
        records, _ = list_operations(connection, query, owner=owner, limit=limit, max_bytes=max_bytes)
    return [record.name for record in records]


def count(database: Database, table: sa.Table) -> int:
    with database.transaction() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_a_new_operation_waits_with_all_its_items(database: Database) -> None:
    record = create(database)
    assert record.name.startswith("operations/")
    assert (record.state, record.item_count, record.attempt) == (OperationState.WAITING, 2, 0)
    assert count(database, ITEMS) == count(database, INPUTS) == 2
    assert find(database, record.name) == record


def test_an_operation_survives_closing_the_database(tmp_path: Path) -> None:
    first = Database(database_url(tmp_path))
    record = create(first)
    first.close()
    second = Database(database_url(tmp_path))
    assert find(second, record.name) == record
    second.close()


def test_somebody_elses_operation_is_as_unknown_as_none(database: Database) -> None:
    record = create(database)
    for name in (record.name, "operations/none"):
        with pytest.raises(UnknownOperationError):
            find(database, name, owner="bob")
        with pytest.raises(UnknownOperationError):
            cancel(database, name, owner="bob")
    assert names(database, owner="bob") == []
    assert find(database, record.name).state is OperationState.WAITING


def test_the_same_request_id_gives_the_same_operation(database: Database) -> None:
    new = replace(NEW, request_id="r1")
    assert create(database, new) == create(database, new, now=2000.0)
    assert count(database, OPERATIONS) == 1


def test_a_request_id_of_another_client_is_another_request(database: Database) -> None:
    ours = create(database, replace(NEW, request_id="r1"))
    theirs = create(database, replace(NEW, request_id="r1", owner="bob", request_digest="other"))
    assert ours.name != theirs.name


@pytest.mark.parametrize("change", [{"request_digest": "other"}, {"kind": "other"}])
def test_a_request_id_with_another_request_is_refused(database: Database, change: dict[str, str]) -> None:
    create(database, replace(NEW, request_id="r1"))
    with pytest.raises(RequestReusedError):
        create(database, replace(NEW, request_id="r1", **change))


def test_requests_without_an_id_are_never_the_same(database: Database) -> None:
    assert create(database).name != create(database).name


def test_calls_that_race_with_one_request_id_through_two_servers_make_one_operation(tmp_path: Path) -> None:
    databases = [Database(database_url(tmp_path)) for _ in range(2)]
    start = threading.Barrier(8)
    made: list[str] = []

    def call(database: Database) -> None:
        start.wait()
        try:
            record = create(database, replace(NEW, request_id="r1"))
        except IntegrityError:  # as the desk does, where the database lets both look at the same time
            record = create(database, replace(NEW, request_id="r1"))
        made.append(record.name)

    threads = [threading.Thread(target=call, args=(databases[index % 2],)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert count(databases[0], OPERATIONS) == 1
    for database in databases:
        database.close()


def test_a_client_may_have_so_many_operations_that_are_not_done(database: Database) -> None:
    first = create(database, max_open=2)
    create(database, max_open=2)
    with pytest.raises(QuotaError) as caught:
        create(database, max_open=2)
    assert caught.value.metadata == {"operations": "2", "max_operations": "2"}
    create(database, replace(NEW, owner="bob"), max_open=2)
    cancel(database, first.name)
    create(database, max_open=2)


def test_a_repeated_request_is_answered_even_when_the_quota_is_used_up(database: Database) -> None:
    new = replace(NEW, request_id="r1")
    first = create(database, new, max_open=1)
    assert create(database, new, max_open=1) == first


def test_cancelling_one_that_waits_ends_it_and_drops_its_photos(database: Database) -> None:
    record = create(database)
    cancel(database, record.name)
    ended = find(database, record.name)
    assert (ended.state, ended.result, ended.end_secs) == (OperationState.CANCELLED, STATUS, 1001.0)
    assert count(database, INPUTS) == count(database, ITEMS) == 0
    with database.transaction() as connection:
        assert not any_open(connection)


def test_cancelling_twice_changes_nothing(database: Database) -> None:
    record = create(database)
    cancel(database, record.name)
    cancel(database, record.name, now=2000.0)
    assert find(database, record.name).end_secs == 1001.0


def test_only_a_done_operation_can_be_deleted(database: Database) -> None:
    record = create(database)
    with database.transaction() as connection, pytest.raises(OperationNotDoneError, match="cancel it first"):
        delete_operation(connection, record.name, owner="ann")
    cancel(database, record.name)
    with database.transaction() as connection:
        delete_operation(connection, record.name, owner="ann")
    with pytest.raises(UnknownOperationError):
        find(database, record.name)


def test_results_are_swept_when_their_time_is_over_and_open_operations_never(database: Database) -> None:
    done, waiting = create(database), create(database)
    cancel(database, done.name, now=1001.0)
    with database.transaction() as connection:
        assert sweep_operations(connection, now=1061.0) == 0
        assert sweep_operations(connection, now=1061.5) == 1
        assert sweep_operations(connection, now=10.0**12) == 0
    assert names(database) == [waiting.name]


def test_the_list_is_newest_first_whatever_the_clock_said(database: Database) -> None:
    made = [create(database, now=now).name for now in (3000.0, 2000.0, 1000.0)]
    assert names(database) == made[::-1]


def test_a_page_goes_on_where_the_last_one_ended_although_operations_came_in_between(
    database: Database,
) -> None:
    made = [create(database, max_open=99) for _ in range(5)]
    first = names(database, limit=2)
    create(database, max_open=99)
    last = find(database, first[-1])
    second = names(database, OperationQuery(before_sequence=last.sequence), limit=9)
    assert first + second == [record.name for record in made[::-1]]


def test_a_number_is_not_given_again_after_a_deletion(database: Database) -> None:
    record = create(database)
    cancel(database, record.name)
    with database.transaction() as connection:
        delete_operation(connection, record.name, owner="ann")
    assert create(database).sequence > record.sequence


def test_a_page_ends_before_its_results_are_too_large_but_has_one_at_least(database: Database) -> None:
    made = [create(database).name for _ in range(3)]
    with database.transaction() as connection:
        connection.execute(OPERATIONS.update().values(result=b"x" * 100))
    assert names(database, max_bytes=250) == [made[2], made[1]]
    assert names(database, max_bytes=1) == [made[2]]


def test_the_list_can_be_asked_for_done_kind_and_name(database: Database) -> None:
    done, waiting = create(database), create(database)
    other = create(database, replace(NEW, kind="other"))
    cancel(database, done.name)
    assert names(database, OperationQuery(done=True)) == [done.name]
    assert names(database, OperationQuery(done=False)) == [other.name, waiting.name]
    assert names(database, OperationQuery(kinds=frozenset({"other"}))) == [other.name]
    assert names(database, OperationQuery(kinds=frozenset())) == []
    assert names(database, OperationQuery(without_kinds=frozenset({"batch-fit"}))) == [other.name]
    assert names(database, OperationQuery(name_pattern=waiting.name)) == [waiting.name]
    assert names(database, OperationQuery(name_pattern=waiting.name[:-4] + "*")) == [waiting.name]
    assert names(database, OperationQuery(name_pattern="%*")) == []


def test_what_is_gone_counts_as_done_for_who_waits(database: Database) -> None:
    done, waiting = create(database), create(database)
    cancel(database, done.name)
    with database.transaction() as connection:
        found = done_among(connection, [done.name, waiting.name, "operations/none"])
    assert found == {done.name, "operations/none"}


def test_a_full_disk_is_a_storage_error_that_changes_nothing_and_passes(database: Database) -> None:
    create(database)
    set_room(database, pages=0)
    with pytest.raises(StorageError, match="full"):
        create(database, replace(NEW, inputs=(b"x" * 10**6,)))
    assert count(database, OPERATIONS) == 1
    set_room(database, pages=10**6)
    create(database, replace(NEW, inputs=(b"x" * 10**6,)))


def set_room(database: Database, *, pages: int) -> None:
    """As if the disk had room for so many pages more than it has now (0: it is full)."""
    skip_elsewhere("only SQLite can be told to be full")
    with database.transaction() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={used + pages}")


@pytest.mark.parametrize("damage", ["no database", "a page"])
def test_a_damaged_database_is_refused_with_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "jobs.db"
    first = Database(f"sqlite:///{path}")
    create(first, replace(NEW, inputs=[b"y" * 5000] * 20))
    first.close()
    content = bytearray(path.read_bytes())
    if damage == "no database":
        content[:100] = b"not a database".ljust(100)
    else:
        content[4096:60_000] = b"\xa5" * (60_000 - 4096)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="restore it from a backup"):
        Database(f"sqlite:///{path}")


def test_a_read_only_database_is_refused_with_what_to_do(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/jobs.db").close()
    with pytest.raises(ConfigError, match="cannot be opened"):
        Database(f"sqlite:///file:{tmp_path}/jobs.db?mode=ro&uri=true")


def test_deleted_photos_do_not_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    database = Database(f"sqlite:///{path}")
    secret = b"the face of somebody"
    record = create(database, replace(NEW, inputs=[secret * 1000]))
    cancel(database, record.name)
    database.close()  # moves the log into the file
    assert secret not in path.read_bytes()
