"""What lies in the database, counted when somebody looks: operations by state, bytes of media."""

import logging
from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from facewright_server.errors import StorageError
from facewright_server.jobs.records import OperationState
from facewright_server.jobs.tables import OPERATIONS
from facewright_server.persistence.database import METADATA, Database

__all__ = ["StoredCollector"]

_log = logging.getLogger(__name__)


class StoredCollector(Collector):
    """Of all clients together, and of all servers that share the database. One short read per look."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Nothing while the database cannot be read."""
        try:
            counts, media_bytes = self._read()
        except StorageError as error:
            _log.warning("the database cannot be counted now: %s", error)
            return
        operations = GaugeMetricFamily("facewright_operations", "Operations by state.", labels=["state"])
        for state in OperationState:
            operations.add_metric([state.value], counts.get(state.value, 0))
        yield operations
        yield GaugeMetricFamily(
            "facewright_media_stored_bytes", "Bytes of media and unfinished uploads.", value=media_bytes
        )

    def _read(self) -> tuple[dict[str, int], int]:
        media = METADATA.tables["media"]
        by_state = sa.select(OPERATIONS.c.state, sa.func.count()).group_by(OPERATIONS.c.state)
        all_bytes = sa.select(sa.func.coalesce(sa.func.sum(media.c.received_bytes), 0))
        with self._database.snapshot() as connection:
            counts = {str(state): int(count) for state, count in connection.execute(by_state)}
            return counts, int(connection.execute(all_bytes).scalar_one())
