"""The database: SQLite in WAL mode by default, anything SQLAlchemy speaks by URL.

Tables are declared beside the code that uses them, on `METADATA`, and made when the database is opened.
Several servers and workers may share one database. Calls block; on the event loop use `run`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import event, exc
from sqlalchemy.engine import Connection

from facewright_server.errors import ConfigError, StorageError

__all__ = ["METADATA", "Database"]

T = TypeVar("T")
METADATA = sqlalchemy.MetaData()
_SCHEMA_VERSION = 1
_BUSY_TIMEOUT_MS = 10_000
_READING = "facewright_reading"
_log = logging.getLogger(__name__)


class Database:
    """Safe to use from several threads and processes. `close` when done."""

    def __init__(self, url: str) -> None:
        """Opens or creates. Raises `ConfigError` for a URL that cannot be opened or a damaged file."""
        try:
            self._engine = sqlalchemy.create_engine(url, pool_pre_ping=True)
        except (exc.ArgumentError, ModuleNotFoundError) as error:
            raise ConfigError(f"cannot use the database {url}: {error}") from error
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        if self._is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_immediate)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="database")
        try:
            with self._engine.begin() as connection:
                if self._is_sqlite:
                    _check_sqlite(connection)
                METADATA.create_all(connection)
        except exc.DBAPIError as error:
            self._engine.dispose()
            raise ConfigError(
                f"the database {self._engine.url.render_as_string()} cannot be opened: {error.orig}; restore "
                "it from a backup, or move it away and start with a new one"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commits at the end of the block, rolls back on an exception.

        Writers of SQLite wait for each other at the beginning, never in the middle. Raises `StorageError` when
        the disk is full, the file is read-only or damaged, or the wait was too long.
        """
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """For reading only: waits for no writer, and holds none up. Raises `StorageError` likewise."""
        with _translated(), self._engine.connect() as connection:
            reading = connection.execution_options(**{_READING: True})
            with reading.begin():
                yield reading

    async def run(self, job: Callable[[Connection], T]) -> T:
        """`job` in a transaction of its own, on a database thread; awaited on the event loop."""

        def work() -> T:
            with self.transaction() as connection:
                return job(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Wait for running transactions and disconnect."""
        self._threads.shutdown(wait=True)
        self._engine.dispose()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin below is the only one
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a commit survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    is_reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN DEFERRED" if is_reading else "BEGIN IMMEDIATE")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exc.IntegrityError:
        raise
    except exc.DBAPIError as error:
        raise StorageError(f"the database does not take this now: {error.orig}") from error
    except exc.TimeoutError as error:  # every connection is in use
        raise StorageError("the database is busy; try again shortly") from error


def _check_sqlite(connection: Connection) -> None:
    verdict = connection.exec_driver_sql("PRAGMA quick_check").scalar()
    if verdict != "ok":
        raise ConfigError(
            f"the database is damaged ({verdict}); restore it from a backup, or move it away and start with a "
            "new one"
        )
    version = connection.exec_driver_sql("PRAGMA user_version").scalar()
    if version in (0, _SCHEMA_VERSION):
        # Also where it is there already: a file that cannot be written is found out now, not by the first call.
        connection.exec_driver_sql(f"PRAGMA user_version={_SCHEMA_VERSION}")
    else:
        raise ConfigError(
            f"the database has schema version {version}; this server knows {_SCHEMA_VERSION}; use the server "
            "that wrote it, or move it away and start with a new one"
        )
