"""Log lines as JSON on stderr, each with the id of the request it belongs to. Never what is in a request.

A message of an exception can quote what it choked on: a name, a byte string, a row of the database. Such
messages are left out, but for those of classes known to quote nothing; class and place always stay.
"""

import json
import logging
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

from facewright_server.telemetry.tracing import current_trace_id

__all__ = ["REQUEST_ID", "JsonFormatter", "configure_logging"]

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")

_PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OUR_LOGGERS = ("facewright_server", "facewright_models", "facewright_renderer")
_log = logging.getLogger(__name__)
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure_logging(level: str) -> None:
    """Send what this product logs at `level` and above to stderr. Called once, by the command line.

    Libraries are heard from INFO up only: while debugging, Pillow would log the tags of photos.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    wanted = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=max(wanted, logging.INFO), handlers=[handler], force=True)
    for name in _OUR_LOGGERS:
        logging.getLogger(name).setLevel(wanted)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


class JsonFormatter(logging.Formatter):
    """One object per line: time, level, logger, message, ids, and what `extra` holds."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if REQUEST_ID.get():
            entry["request_id"] = REQUEST_ID.get()
        if current_trace_id():
            entry["trace_id"] = current_trace_id()
        entry.update({key: value for key, value in vars(record).items() if key not in _PLAIN_ATTRIBUTES})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=lambda value: f"<{type(value).__name__}>")

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name in logging
        """Classes and places of the exception and of those behind it."""
        _, error, _ = ei
        blocks: list[str] = []
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            frames = "".join(traceback.format_tb(error.__traceback__))
            blocks.append(f"{frames}{_name(error)}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nbecause of\n".join(blocks)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python itself would print the message."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _log.critical("uncaught exception", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _name(error: BaseException) -> str:
    from facewright_models.errors import RenderUnavailableError, WeightsError
    from facewright_server.errors import ConfigError, StorageError

    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, RenderUnavailableError | WeightsError | StorageError | ConfigError | ImportError):
        return f"{name}: {error}"
    if isinstance(error, OSError):  # without the name of the file
        return f"{name}: [errno {error.errno}] {error.strerror}"
    return name
