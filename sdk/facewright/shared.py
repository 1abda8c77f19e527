"""The server that all commands of one user share: started by the first, gone some time after the last.

It keeps its state in a folder that only the user can enter, ``$XDG_STATE_HOME/facewright/embedded`` or
``~/.local/state/facewright/embedded``; ``$FACEWRIGHT_STATE_DIR`` replaces the part before ``/embedded``. Per version
of this package there are four files beside the server's data: a lock that starters hold, a record of the running
server with its secret token, the hash of that token for the server, and the server's log. A record counts only while
its process lives (id and start time) and answers to its token.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from facewright import errors
from facewright._processes import (
    LISTENING_PREFIX,
    DetachedProcess,
    end_process,
    is_running,
    not_startable,
    not_started,
    process_start,
    server_command,
)
from facewright._retry import Retry
from facewright._version import installed_version
from facewright.client import Client

__all__ = ["SharedServer", "running_server", "shared_server", "state_folder", "stop_shared_server"]

_STATE_VARIABLE = "FACEWRIGHT_STATE_DIR"
_IDLE_VARIABLE = "FACEWRIGHT_IDLE_EXIT_SECS"
_IDLE_EXIT_SECS = 300
_START_SECS = 120.0  # on a machine that is busy with other things
# A server whose machine is busy answers late; one that has hung never does.
_ANSWER_SECS = 10.0
_POLL_SECS = 0.02
# Settings of the user's own server that must not reach this one through the environment.
_OWN_SETTINGS = ("database-url", "media-url", "tls-certificate", "tls-key", "metrics-listen")


@dataclass(frozen=True)
class SharedServer:
    """A running server; `token` is what `Client` needs beside the address."""

    address: str
    pid: int
    process_start: str
    version: str
    token: str = field(repr=False)


def shared_server(
    *, command: Sequence[str] | None = None, start_timeout_secs: float = _START_SECS
) -> SharedServer:
    """The user's server of this version: the one that runs, or else one that is started now.

    However many processes ask at once, one server is started. It ends by itself after 300 seconds (or
    ``$FACEWRIGHT_IDLE_EXIT_SECS``) without calls and unfinished operations. `command` replaces ``facewright-server
    serve`` and is given its flags. Raises `ServerUnavailableError` when no server is installed or it does not start.
    """
    files = _Files.of_user()
    server = _found(files)
    if server is not None:
        return server
    with _locked(files.lock):
        return _found(files) or _started(files, command, start_timeout_secs)


def running_server() -> SharedServer | None:
    """The user's server of this version, if one is running and answers."""
    return _found(_Files.of_user())


def stop_shared_server() -> SharedServer | None:
    """End the user's server of this version and say which it was; None when there was none."""
    files = _Files.of_user()
    with _locked(files.lock):
        server = _recorded(files)
        if server is not None:
            end_process(server.pid, server.process_start)
        _forget(files)
    return server


def state_folder() -> Path:
    """Where the shared server keeps its files; it need not exist yet."""
    named = os.environ.get(_STATE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute() / "embedded"
    base = os.environ.get("XDG_STATE_HOME", "")
    # The specification says that a relative path is to be ignored.
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    return home / "facewright" / "embedded"


@dataclass(frozen=True)
class _Files:
    folder: Path
    stem: str
    lock: Path
    record: Path
    log: Path

    @classmethod
    def of_user(cls) -> _Files:
        """Makes the folder. Raises `ServerUnavailableError` where it cannot be private."""
        if os.name != "posix":
            raise errors.ServerUnavailableError(
                "no server was named, and the server runs on Linux only; name one with --server HOST:PORT",
                reason="NOT_INSTALLED",
            )
        folder = state_folder()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise errors.ServerUnavailableError(
                f"the state folder {folder} cannot be made private to you: {error.strerror}; name another one with "
                f"{_STATE_VARIABLE}, or a running server with --server HOST:PORT",
                reason="NO_STATE_FOLDER",
            ) from error
        stem = "server-" + re.sub(r"[^A-Za-z0-9.]", "-", installed_version())
        return cls(
            folder=folder,
            stem=stem,
            lock=folder / f"{stem}.lock",
            record=folder / f"{stem}.json",
            log=folder / f"{stem}.log",
        )


def _recorded(files: _Files) -> SharedServer | None:
    """What the record names, if that process still lives."""
    try:
        entries = json.loads(files.record.read_text(encoding="utf-8"))
        server = SharedServer(**entries)
    except (OSError, ValueError, TypeError):  # none, or one that somebody has spoiled
        return None
    return server if is_running(server.pid, server.process_start) else None


def _found(files: _Files) -> SharedServer | None:
    """The recorded server, if it answers; asking also begins its idle time anew."""
    server = _recorded(files)
    if server is None or server.version != installed_version():
        return None
    try:
        with Client(server.address, token=server.token, retry=Retry.never()) as client:
            client.list_rigs(timeout_secs=_ANSWER_SECS)
    except errors.FacewrightError:
        return None
    return server


def _started(files: _Files, command: Sequence[str] | None, timeout_secs: float) -> SharedServer:
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    # A name of its own: a server that hangs and is given up keeps knowing those who still talk to it.
    tokens = files.folder / f"{files.stem}.{digest[:8]}.tokens.toml"
    _forget_tokens(files)
    _write_private(tokens, f'[local]\ntoken_sha256 = "{digest}"\n')
    _write_private(files.log, "")
    program = [*(server_command() if command is None else command), *_settings(files, tokens, os.environ)]
    try:
        with files.log.open("ab") as log:
            process = DetachedProcess(
                program,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=files.folder,
                start_new_session=True,
            )
    except OSError as error:
        raise not_startable(program, error) from error
    started = process_start(process.pid)
    try:
        server = SharedServer(
            address=_wait_until_listening(process, files.log, timeout_secs),
            pid=process.pid,
            process_start=started,
            version=installed_version(),
            token=token,
        )
        _write_private(files.record, json.dumps(asdict(server), indent=2) + "\n")
    except BaseException:
        end_process(process.pid, started)
        process.wait()
        raise
    return server


def _settings(files: _Files, tokens: Path, environment: Mapping[str, str]) -> list[str]:
    settings = [
        "--listen",
        "127.0.0.1:0",
        "--state-dir",
        str(files.folder),
        "--tokens-file",
        str(tokens),
    ]
    settings += ["--shutdown-grace-secs", "0"]
    for name in _OWN_SETTINGS:
        settings += [f"--{name}", ""]
    if _IDLE_VARIABLE not in environment:
        settings += ["--idle-exit-secs", str(_IDLE_EXIT_SECS)]
    return settings


def _wait_until_listening(process: DetachedProcess, log: Path, timeout_secs: float) -> str:
    deadline = time.monotonic() + timeout_secs
    while True:
        has_ended = process.poll() is not None
        content = log.read_bytes()
        for line in content.decode("utf-8", "replace").splitlines(keepends=True):
            if line.startswith(LISTENING_PREFIX) and line.endswith("\n"):
                return line[len(LISTENING_PREFIX) :].strip()
        if has_ended or time.monotonic() > deadline:
            raise not_started(content)
        time.sleep(_POLL_SECS)


def _write_private(path: Path, text: str) -> None:
    """Readable by the user only from its first moment, and complete or absent."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)


def _forget(files: _Files) -> None:
    files.record.unlink(missing_ok=True)
    _forget_tokens(files)


def _forget_tokens(files: _Files) -> None:
    for path in files.folder.glob(f"{files.stem}.*.tokens.toml"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Waits for its turn; the system lets go of the lock however the holder ends. The file stays."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
