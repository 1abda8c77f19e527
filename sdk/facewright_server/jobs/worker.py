"""The work of a worker: one operation after the other, until there is none for a while."""

import importlib
import logging
import os
import threading
import time

from facewright_server.config import ServerConfig
from facewright_server.errors import StorageError
from facewright_server.jobs.kinds import Workshop
from facewright_server.jobs.leases import Claims
from facewright_server.jobs.processes import this_process
from facewright_server.jobs.registry import JOB_KINDS
from facewright_server.jobs.runner import run_operation
from facewright_server.jobs.store import any_open
from facewright_server.persistence import Database
from facewright_server.studio import Studio

__all__ = ["STUDIO_VARIABLE", "open_studio", "run_worker"]

# For tests only: MODULE:NAME of a callable that makes the studio of the worker.
STUDIO_VARIABLE = "FACEWRIGHT_TEST_JOB_STUDIO"
_POLL_SECS = 0.25
_IDLE_SECS = 60.0
_log = logging.getLogger(__name__)


def run_worker(
    config: ServerConfig,
    database: Database,
    workshop: Workshop,
    *,
    is_stopping: threading.Event,
    is_poked: threading.Event,
    idle_secs: float = _IDLE_SECS,
) -> None:
    """Take up one operation after the other, until `is_stopping` or until there was none for `idle_secs`."""
    claims = Claims(
        database,
        kinds=JOB_KINDS,
        identity=this_process(),
        lease_secs=config.lease_secs,
        result_ttl_secs=config.operation_ttl_secs,
    )
    worked = time.monotonic()
    while not is_stopping.is_set():
        try:
            lease = claims.claim()
            if lease is not None:
                run_operation(lease, claims, workshop, is_stopping=is_stopping)
            elif not _is_anything_open(database):
                if time.monotonic() - worked > idle_secs:
                    return
                is_poked.wait(_POLL_SECS)
                is_poked.clear()
                continue
        except StorageError as error:
            _log.warning("cannot look for work: %s", error)
            lease = None
        worked = time.monotonic()
        if lease is None:
            is_poked.wait(_POLL_SECS)
            is_poked.clear()


def open_studio(config: ServerConfig) -> Studio:
    """The real studio, imported only now; or the one that a test names."""
    named = os.environ.get(STUDIO_VARIABLE)
    if named:
        module, _, attribute = named.partition(":")
        studio: Studio = getattr(importlib.import_module(module), attribute)()
        return studio
    from facewright_server.studio import DomainStudio

    return DomainStudio(landmark_model=config.landmark_model)


def _is_anything_open(database: Database) -> bool:
    with database.transaction() as connection:
        return any_open(connection)
