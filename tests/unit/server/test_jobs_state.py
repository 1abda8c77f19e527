"""The folder in which a server keeps what outlives a call."""

import os
from pathlib import Path

import pytest

from facewright_server.app import Server
from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError
from facewright_server.persistence.state import open_state
from unit.server.fakes.studio import FakeStudio


def test_without_a_folder_there_is_a_temporary_one_that_goes_with_the_server() -> None:
    state = open_state(ServerConfig())
    folder = Path(state.config.state_dir)
    assert folder.is_dir()
    assert state.config.database_url == f"sqlite:///{folder}/facewright.db"
    assert state.config.media_url.endswith(f"{folder}/media")
    state.close()
    assert not folder.exists()


def test_a_folder_that_was_named_is_made_for_this_user_alone_and_stays(tmp_path: Path) -> None:
    state = open_state(ServerConfig(state_dir=str(tmp_path / "a" / "b")))
    state.close()
    folder = tmp_path / "a" / "b"
    assert folder.stat().st_mode & 0o777 == 0o700 & ~_umask()
    assert list(folder.iterdir()) == []  # the probe is gone


def test_urls_that_were_named_are_left_alone(tmp_path: Path) -> None:
    config = ServerConfig(state_dir=str(tmp_path), database_url="sqlite://", media_url="memory://x")
    filled = open_state(config).config
    assert (filled.database_url, filled.media_url) == ("sqlite://", "memory://x")


@pytest.mark.parametrize("name", ["/proc/facewright", "file/below"])
def test_a_folder_that_cannot_be_written_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"cannot be written.*--state-dir"):
        open_state(ServerConfig(state_dir=str(tmp_path / name)))


async def test_a_server_on_a_read_only_disk_does_not_start(tmp_path: Path) -> None:
    config = ServerConfig(
        listen="127.0.0.1:0",
        state_dir=str(tmp_path),
        database_url=f"sqlite:///file:{tmp_path}/x.db?mode=ro&uri=true",
    )
    server = Server(config, FakeStudio())
    with pytest.raises(ConfigError, match="cannot be opened"):
        await server.start()
    await server.stop()


async def test_a_server_on_a_damaged_database_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "facewright.db").write_bytes(b"this is no database at all, whatever its name says" * 100)
    server = Server(ServerConfig(listen="127.0.0.1:0", state_dir=str(tmp_path)), FakeStudio())
    with pytest.raises(ConfigError, match="restore it from a backup"):
        await server.start()
    await server.stop()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
