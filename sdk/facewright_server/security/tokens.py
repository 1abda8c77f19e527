"""Bearer tokens: who may call, told apart by the SHA-256 of a secret that is stored nowhere.

The file has one table per client::

    [studio - a]
    token_sha256 = "6b3a..."  # or a list of two while a token is being replaced
    max_calls = 64  # optional; else max_client_calls of the server
    calls_per_sec = 500.0  # optional; else client_calls_per_sec
    max_media_bytes = 1_000_000_000  # optional; else max_client_media_bytes
    max_operations = 8  # optional; else max_client_operations

A token has 256 random bits, so a plain hash of it cannot be guessed backwards.
"""

import hashlib
import hmac
import logging
import re
import secrets
import stat
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewright_server.errors import ConfigError

__all__ = ["Client", "TokenRegistry", "make_token", "read_tokens", "token_digest", "token_table"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_COUNTS = ("max_calls", "max_media_bytes", "max_operations")
_KEYS = ("token_sha256", "calls_per_sec", *_COUNTS)
_TOKEN_PREFIX = "fw_"  # noqa: S105 - lets a scanner for leaked secrets recognise one
_MAX_TOKEN_CHARS = 512
_CHECK_EVERY_SECS = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Client:
    """One table of the file. A limit that is None is the server's."""

    name: str
    digests: tuple[str, ...]
    max_calls: int | None = None
    calls_per_sec: float | None = None
    max_media_bytes: int | None = None
    max_operations: int | None = None


def make_token() -> str:
    """A new secret."""
    return _TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored in its place: SHA-256 in lower-case hexadecimals."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def token_table(name: str, token: str) -> str:
    """The lines for the tokens file. Raises `ConfigError` for a name that cannot be one."""
    _check_name(name, "the client's name")
    return f'["{name}"]\ntoken_sha256 = "{token_digest(token)}"\n'


def read_tokens(path: Path) -> dict[str, Client]:
    """Clients by name. Raises `ConfigError` for a file that others can write, is malformed or names nobody.

    A file that others can only read is warned about: it holds no secret, but says who the clients are.
    """
    try:
        mode = path.stat().st_mode
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the tokens file {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the tokens file {path} is not valid TOML: {error}") from error
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"others can write the tokens file {path}, and so let themselves in; run: chmod 600 {path}"
        )
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        _log.warning("others can read the tokens file %s; run: chmod 600 %s", path, path)
    clients = {name: _client(path, name, table) for name, table in tables.items()}
    if not clients:
        raise ConfigError(
            f"the tokens file {path} names no client; add one with: facewright-server token NAME"
        )
    _check_distinct(path, clients)
    return clients


class TokenRegistry:
    """The clients of one file, read again when it has changed. For use on one thread."""

    def __init__(self, path: Path) -> None:
        """Raises `ConfigError`; later, a file that cannot be read any more leaves the clients as they were."""
        self._path = path
        self._stamp = _stamp(path)
        self._clients = read_tokens(path)
        self._checked_at = time.monotonic()

    def find(self, token: str) -> Client | None:
        """Whose token it is. Takes the same time for every token, known or not."""
        self._follow_changes()
        if len(token) > _MAX_TOKEN_CHARS:
            return None
        given = token_digest(token)
        found: Client | None = None
        for client in self._clients.values():
            for digest in client.digests:
                if hmac.compare_digest(digest, given):
                    found = client
        return found

    def reload(self) -> None:
        """Read the file now, whether it looks changed or not."""
        self._stamp = _stamp(self._path)
        try:
            self._clients = read_tokens(self._path)
        except ConfigError as error:
            _log.error("the tokens stay as they were: %s", error)
        else:
            _log.info("tokens read", extra={"clients": len(self._clients)})

    def _follow_changes(self) -> None:
        now = time.monotonic()
        if now - self._checked_at < _CHECK_EVERY_SECS:
            return
        self._checked_at = now
        if _stamp(self._path) != self._stamp:
            self.reload()


def _stamp(path: Path) -> tuple[int, int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _check_name(name: str, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{what} is {name!r}; expected up to 64 letters, digits, dots, dashes and underscores, "
            "beginning with a letter or digit"
        )


def _client(path: Path, name: str, table: object) -> Client:
    _check_name(name, f"the tokens file {path}: the name of a client")
    if not isinstance(table, Mapping):
        raise ConfigError(f"the tokens file {path}: {name} is no table; expected [{name}] with token_sha256")
    for key in table:
        if key not in _KEYS:
            raise ConfigError(
                f"the tokens file {path}: {name} has the key {key!r}; expected {', '.join(_KEYS)}"
            )
    listed = table.get("token_sha256")
    digests: list[Any] = listed if isinstance(listed, list) else [listed]
    # The value itself is not repeated: it may be a token that somebody put in place of its hash.
    if not digests or not all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in digests):
        raise ConfigError(
            f"the tokens file {path}: token_sha256 of {name} is not 64 lower-case hexadecimals, or a list of "
            "such; make one with: facewright-server token NAME"
        )
    counts = {key: table.get(key) for key in _COUNTS}
    for key, value in counts.items():
        if value is not None and (type(value) is not int or value < 1):
            raise ConfigError(f"the tokens file {path}: {key} of {name} is not a whole number of at least 1")
    calls_per_sec = table.get("calls_per_sec")
    if calls_per_sec is not None and (
        type(calls_per_sec) not in (int, float) or not 0.001 <= calls_per_sec < float("inf")
    ):
        raise ConfigError(f"the tokens file {path}: calls_per_sec of {name} is not a number from 0.001 up")
    return Client(
        name=name,
        digests=tuple(digests),
        **counts,
        calls_per_sec=None if calls_per_sec is None else float(calls_per_sec),
    )


def _check_distinct(path: Path, clients: Mapping[str, Client]) -> None:
    owners: dict[str, str] = {}
    for client in clients.values():
        for digest in client.digests:
            if digest in owners:
                raise ConfigError(
                    f"the tokens file {path}: {owners[digest]} and {client.name} have the same token; give each "
                    "client its own"
                )
            owners[digest] = client.name
