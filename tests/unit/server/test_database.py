"""The database and the state folder: transactions, two servers, full and read-only disks, damage."""

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError, StorageError
from facewright_server.persistence import Database, open_state
from facewright_server.persistence.database import METADATA

NOTES = sqlalchemy.Table(
    "test_note",
    sqlalchemy.MetaData(),
    sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
    sqlalchemy.Column("text", sqlalchemy.Text, nullable=False, unique=True),
)


@pytest.fixture(autouse=True)
def _notes_are_among_the_tables() -> Iterator[None]:
    """For these tests only: other tests ask which tables the product has."""
    added = NOTES.to_metadata(METADATA)
    yield
    METADATA.remove(added)


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'test.db'}"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(url_of(tmp_path))
    yield opened
    opened.close()


def write(database: Database, text: str) -> None:
    with database.transaction() as connection:
        connection.execute(NOTES.insert().values(text=text))


def texts(database: Database) -> list[str]:
    with database.snapshot() as connection:
        return list(connection.execute(sqlalchemy.select(NOTES.c.text).order_by(NOTES.c.id)).scalars())


def test_a_transaction_is_kept_at_its_end_and_undone_by_an_exception(database: Database) -> None:
    def write_and_fail() -> None:
        with database.transaction() as connection:
            connection.execute(NOTES.insert().values(text="undone"))
            raise ZeroDivisionError

    write(database, "kept")
    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert texts(database) == ["kept"]


def test_a_constraint_that_is_broken_is_told_as_such(database: Database) -> None:
    write(database, "once")
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        write(database, "once")
    assert texts(database) == ["once"]


async def test_run_awaits_a_transaction_and_gives_its_answer(database: Database) -> None:
    write(database, "one")
    count = sqlalchemy.select(sqlalchemy.func.count()).select_from(NOTES)
    assert await database.run(lambda connection: connection.execute(count).scalar_one()) == 1


def test_a_snapshot_does_not_wait_for_a_writer(database: Database) -> None:
    write(database, "before")
    with database.transaction() as connection:
        connection.execute(NOTES.insert().values(text="not yet"))
        assert texts(database) == ["before"]
    assert texts(database) == ["before", "not yet"]


def test_two_servers_on_one_database_lose_no_update(tmp_path: Path) -> None:
    servers = [Database(url_of(tmp_path)) for _ in range(2)]
    write(servers[0], "0")

    def count_up(server: Database) -> None:
        for _ in range(40):
            with server.transaction() as connection:
                value = int(connection.execute(sqlalchemy.select(NOTES.c.text)).scalar_one())
                connection.execute(NOTES.update().values(text=str(value + 1)))

    threads = [threading.Thread(target=count_up, args=(server,)) for server in servers for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts(servers[1]) == ["160"]
    for server in servers:
        server.close()


def test_a_full_disk_is_a_storage_error_and_changes_nothing(database: Database) -> None:
    write(database, "before")
    with database.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StorageError, match="full"):
        write(database, "x" * 1_000_000)
    with database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    write(database, "after")
    assert texts(database) == ["before", "after"]


def test_a_disk_that_has_become_read_only_is_a_storage_error_and_reading_goes_on(database: Database) -> None:
    write(database, "before")
    with database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(StorageError, match="readonly"):
        write(database, "refused")
    assert texts(database) == ["before"]
    with database.snapshot() as connection:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
    write(database, "after")
    assert texts(database) == ["before", "after"]


def test_a_database_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    Database(url_of(tmp_path)).close()
    with pytest.raises(ConfigError, match="cannot be opened"):
        Database(f"sqlite:///file:{tmp_path / 'test.db'}?mode=ro&uri=true")


def test_a_writer_that_waits_too_long_gets_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facewright_server.persistence.database._BUSY_TIMEOUT_MS", 50)
    first, second = Database(url_of(tmp_path)), Database(url_of(tmp_path))
    with first.transaction(), pytest.raises(StorageError, match="locked"):
        write(second, "never")
    write(second, "later")
    assert texts(first) == ["later"]
    first.close()
    second.close()


@pytest.mark.parametrize("damage", ["no database at all", "damaged page"])
def test_a_damaged_database_is_refused_with_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "test.db"
    if damage == "damaged page":
        whole = Database(url_of(tmp_path))
        for index in range(200):
            write(whole, f"{index} " + "x" * 500)
        whole.close()
        content = bytearray(path.read_bytes())
        content[8192:20480] = b"\xff" * (20480 - 8192)
        path.write_bytes(content)
    else:
        path.write_bytes(b"this is no database. " * 100)
    with pytest.raises(ConfigError, match="restore it from a backup, or move it away"):
        Database(url_of(tmp_path))


def test_a_database_of_a_later_version_is_refused(tmp_path: Path) -> None:
    later = Database(url_of(tmp_path))
    with later.transaction() as connection:
        connection.exec_driver_sql("PRAGMA user_version=99")
    later.close()
    with pytest.raises(ConfigError, match="schema version 99"):
        Database(url_of(tmp_path))


@pytest.mark.parametrize("url", ["nonsense", "nosuchdialect://host/name"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="cannot use the database"):
        Database(url)


def test_a_commit_is_in_the_log_that_survives_a_power_cut(database: Database) -> None:
    with database.snapshot() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2


def test_the_state_folder_is_made_for_its_owner_only_and_filled_in(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with spaces, 100% ü"
    state = open_state(ServerConfig(state_dir=str(folder)))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    database = Database(state.config.database_url)
    database.close()
    assert (folder / "facewright.db").is_file()
    assert state.config.media_url == str(folder / "media")
    state.close()
    assert folder.is_dir()


def test_addresses_that_are_set_are_kept(tmp_path: Path) -> None:
    set_by_hand = ServerConfig(state_dir=str(tmp_path), database_url="sqlite:///x.db", media_url="memory://m")
    state = open_state(set_by_hand)
    assert (state.config.database_url, state.config.media_url) == ("sqlite:///x.db", "memory://m")
    state.close()


def test_a_temporary_state_folder_goes_with_the_server() -> None:
    state = open_state(ServerConfig())
    folder = Path(state.config.state_dir)
    assert folder.is_dir()
    state.close()
    assert not folder.exists()


def test_a_state_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="state"):
        open_state(ServerConfig(state_dir=str(tmp_path / "file" / "state")))
