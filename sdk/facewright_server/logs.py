"""Log lines as JSON on stderr, each with the id of the request it belongs to. Never pictures or faces."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

__all__ = ["REQUEST_ID", "configure_logging"]

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")

_PLAIN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure_logging(level: str) -> None:
    """Send everything at `level` and above to stderr. Called once, by the command line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if REQUEST_ID.get():
            entry["request_id"] = REQUEST_ID.get()
        entry.update({key: value for key, value in vars(record).items() if key not in _PLAIN_ATTRIBUTES})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)
