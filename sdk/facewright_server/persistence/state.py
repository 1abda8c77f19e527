"""Where a server keeps what outlives a call: a folder of its own choosing, or a temporary one."""

import contextlib
import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError

__all__ = ["StateFolder", "open_state"]

_DATABASE_NAME = "facewright.db"
_MEDIA_NAME = "media"


@dataclass(frozen=True, kw_only=True)
class StateFolder:
    """`config` is the server's with `state_dir`, `database_url` and `media_url` filled in."""

    config: ServerConfig
    temporary: "tempfile.TemporaryDirectory[str] | None"

    def close(self) -> None:
        """Remove the folder if it was a temporary one; close the database first."""
        if self.temporary is not None:
            self.temporary.cleanup()


def open_state(config: ServerConfig) -> StateFolder:
    """Make the folder and see that it can be written. Raises `ConfigError` where it cannot."""
    temporary = None
    try:
        if config.state_dir:
            folder = Path(config.state_dir).expanduser().absolute()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            temporary = tempfile.TemporaryDirectory(prefix="facewright-", ignore_cleanup_errors=True)
            folder = Path(temporary.name)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"state")
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.cleanup()
        raise ConfigError(
            f"the state folder {config.state_dir or tempfile.gettempdir()} cannot be written: "
            f"{error.strerror or error}; name a folder on a writable disk with --state-dir"
        ) from error
    url = sqlalchemy.URL.create("sqlite", database=str(folder / _DATABASE_NAME))
    filled = dataclasses.replace(
        config,
        state_dir=str(folder),
        database_url=config.database_url or url.render_as_string(hide_password=False),
        media_url=config.media_url or str(folder / _MEDIA_NAME),  # fsspec takes a URL's %20 literally
    )
    return StateFolder(config=filled, temporary=temporary)
