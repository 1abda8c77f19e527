"""A worker process: ``python -m facewright_server.jobs``, started by the server, never by hand.

Its first line of standard input is the server's configuration as JSON; every later line says that there may be
work; the end of the input says that the server is gone, and the worker goes as well, within a step of the work.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from facewright_server.config import ServerConfig
from facewright_server.jobs.kinds import MediaFiles, Workshop
from facewright_server.jobs.scratch import remove_left_folders
from facewright_server.jobs.worker import open_studio, run_worker
from facewright_server.logs import configure_logging
from facewright_server.persistence import Database

_NICENESS = 10
_END_SECS = 10.0


def main() -> None:
    """The process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the server too, which then closes the input
    is_stopping, is_poked = threading.Event(), threading.Event()

    def stop(_number: int, _frame: object) -> None:
        is_stopping.set()
        is_poked.set()

    signal.signal(signal.SIGTERM, stop)
    descriptor = sys.stdin.fileno()
    config = ServerConfig(**json.loads(_first_line(descriptor)))
    configure_logging(config.log_level)
    os.nice(_NICENESS)  # who waits for an answer comes first
    watcher = threading.Thread(target=_watch_input, args=(descriptor, is_stopping, is_poked), daemon=True)
    watcher.start()
    remove_left_folders(Path(config.state_dir))
    database = Database(config.database_url)
    workshop = Workshop(config, open_studio(config), _open_media(config, database))
    run_worker(config, database, workshop, is_stopping=is_stopping, is_poked=is_poked)
    workshop.close()
    database.close()


def _open_media(config: ServerConfig, database: Database) -> MediaFiles:
    from facewright_server.media.store import open_media_store

    return open_media_store(config, database)


def _first_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(descriptor, 1)):
        line += byte
    return line


def _watch_input(descriptor: int, is_stopping: threading.Event, is_poked: threading.Event) -> None:
    """Reads the descriptor itself: a daemon thread must not hold the lock of `sys.stdin` at exit."""
    while os.read(descriptor, 4096):
        is_poked.set()
    is_stopping.set()
    is_poked.set()
    time.sleep(_END_SECS)
    os._exit(1)  # loading or a frozen disk keeps it; the operation is taken over, for this process is dead


if __name__ == "__main__":
    main()
