"""Where tests keep operations and media: SQLite and a folder, or the servers that `tests/with_stores.py` started."""

import hashlib
import os
from pathlib import Path

import pytest
import sqlalchemy as sa

__all__ = ["database_url", "media_url", "skip_elsewhere"]

POSTGRESQL = "FACEWRIGHT_TEST_POSTGRESQL"
S3 = "FACEWRIGHT_TEST_S3"


def skip_elsewhere(why: str) -> None:
    """Skip a test that looks for files, or damages them, where the stores are servers."""
    if POSTGRESQL in os.environ or S3 in os.environ:
        pytest.skip(why)


def database_url(folder: Path, name: str = "test.db") -> str:
    """Of one database per folder and name, empty at first."""
    server = os.environ.get(POSTGRESQL)
    if server is None:
        return f"sqlite:///{folder / name}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    own = f"t{_key(folder / name)}"
    with engine.connect() as connection:
        if not connection.scalar(sa.text("SELECT 1 FROM pg_database WHERE datname = :own"), {"own": own}):
            connection.execute(sa.text(f"CREATE DATABASE {own}"))
    engine.dispose()
    return engine.url.set(database=own).render_as_string(hide_password=False)


def media_url(folder: Path) -> str:
    """Of one folder for media."""
    bucket = os.environ.get(S3)
    return str(folder / "media") if bucket is None else f"{bucket}/{_key(folder)}"


def _key(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:24]
