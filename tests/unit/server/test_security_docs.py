"""The pages about running a server name what there is: tables, metrics, reasons, settings."""

from __future__ import annotations

import re
from pathlib import Path

import facewright_server.app  # noqa: F401 - declares every table
from facewright_server.config import ServerConfig
from facewright_server.persistence.database import METADATA, Database
from facewright_server.telemetry.prometheus import PrometheusSink
from facewright_server.telemetry.stored import StoredCollector

# Rows that say nothing about a person: counters, clocks, places of parts that go with their file.
BOOKKEEPING = {"media_part", "media_clock"}


def test_the_retention_table_names_every_table_of_the_database(repository: Path) -> None:
    text = (repository / "docs" / "retention.md").read_text()
    assert METADATA.tables
    missing = {name for name in METADATA.tables if name not in BOOKKEEPING and f"`{name}`" not in text}
    assert not missing


def test_the_pages_name_settings_that_exist(repository: Path) -> None:
    settings = set(ServerConfig.__dataclass_fields__)
    for page in ("retention.md", "operating.md"):
        text = (repository / "docs" / page).read_text()
        named = set(
            re.findall(
                r"`((?:max|media|operation|state|database|client|fit|render|tls|metrics|otlp)_\w+)`", text
            )
        )
        assert named
        assert named <= settings | set(METADATA.tables) | {"max_calls"}, page
        flags = {flag.replace("-", "_") for flag in re.findall(r"--([a-z][a-z-]+)", text)}
        assert flags <= settings, page


def test_every_metric_is_explained(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "operating.md").read_text()
    database = Database(f"sqlite:///{tmp_path / 'f.db'}")
    registry = PrometheusSink().registry
    registry.register(StoredCollector(database))
    names = {family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()}
    database.close()
    assert names
    assert not {name for name in names if not name.startswith("process_") and f"`{name}`" not in text}
    explained = set(re.findall(r"^\| `(facewright_\w+)`", text, re.MULTILINE))
    assert explained <= names
