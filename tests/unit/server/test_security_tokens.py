"""The tokens file: what it may hold, whom it lets in, and that it is followed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from facewright_server.errors import ConfigError
from facewright_server.security import tokens
from facewright_server.security.tokens import (
    TokenRegistry,
    make_token,
    read_tokens,
    token_digest,
    token_table,
)

DIGEST = token_digest("fw_a")


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def impatient(registry: TokenRegistry) -> TokenRegistry:
    """Looks at the file at every question."""
    registry._checked_at = -1e9
    return registry


def test_tokens_are_long_distinct_and_recognisable() -> None:
    made = {make_token() for _ in range(100)}
    assert len(made) == 100
    assert all(token.startswith("fw_") and len(token) == 46 for token in made)


def test_the_table_of_a_token_lets_it_in_and_does_not_hold_it(tmp_path: Path) -> None:
    token = make_token()
    table = token_table("studio.a-1", token)
    assert token not in table
    registry = TokenRegistry(write(tmp_path / "t.toml", table))
    assert registry.find(token).name == "studio.a-1"
    assert registry.find(token + "x") is None
    assert registry.find("") is None
    assert registry.find("\ud800") is None
    assert registry.find("x" * 100_000) is None


def test_a_client_may_have_two_tokens_and_limits_of_its_own(tmp_path: Path) -> None:
    text = f'[a]\ntoken_sha256 = ["{DIGEST}", "{token_digest("fw_b")}"]\nmax_calls = 3\ncalls_per_sec = 7\n'
    text += "max_media_bytes = 5_000\nmax_operations = 2\n"
    registry = TokenRegistry(write(tmp_path / "t.toml", text))
    assert registry.find("fw_a") == registry.find("fw_b")
    client = registry.find("fw_b")
    assert (client.max_calls, client.calls_per_sec) == (3, 7.0)
    assert (client.max_media_bytes, client.max_operations) == (5000, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no client"),
        ("[a", "not valid TOML"),
        ("a = 1", "a is no table"),
        ("[a]\n", "token_sha256 of a"),
        ('[a]\ntoken_sha256 = "fw_secret"\n', "not 64 lower-case hexadecimals"),
        (f'[a]\ntoken_sha256 = "{DIGEST.upper()}"\n', "not 64 lower-case hexadecimals"),
        ("[a]\ntoken_sha256 = []\n", "not 64 lower-case hexadecimals"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\nquota = 1\n', "the key 'quota'"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\nmax_calls = 0\n', "max_calls of a"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\nmax_calls = true\n', "max_calls of a"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\nmax_media_bytes = 1e9\n', "max_media_bytes of a"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\nmax_operations = -1\n', "max_operations of a"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\ncalls_per_sec = inf\n', "calls_per_sec of a"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\ncalls_per_sec = nan\n', "calls_per_sec of a"),
        (f'["a b"]\ntoken_sha256 = "{DIGEST}"\n', "'a b'"),
        (f'[a]\ntoken_sha256 = "{DIGEST}"\n[b]\ntoken_sha256 = "{DIGEST}"\n', "a and b have the same token"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_tokens(write(tmp_path / "t.toml", text))
    assert "t.toml" in str(caught.value)
    assert "fw_secret" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_tokens(tmp_path / "none.toml")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        read_tokens(write(tmp_path / "t.toml", token_table("a", "x"), mode))


def test_a_file_that_others_can_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read_tokens(write(tmp_path / "t.toml", token_table("a", "x"), 0o644))
    assert "chmod 600" in caplog.text
    caplog.clear()
    read_tokens(write(tmp_path / "t.toml", token_table("a", "x"), 0o600))
    assert not caplog.text


def test_a_changed_file_is_followed(tmp_path: Path) -> None:
    path = write(tmp_path / "t.toml", token_table("a", "one"))
    registry = TokenRegistry(path)
    write(path, token_table("a", "two") + token_table("b", "three"))
    assert impatient(registry).find("one") is None
    assert registry.find("three").name == "b"


def test_a_replaced_file_of_the_same_size_and_time_is_followed(tmp_path: Path) -> None:
    path = write(tmp_path / "t.toml", token_table("a", "one"))
    registry = TokenRegistry(path)
    other = write(tmp_path / "new", token_table("a", "two"))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert impatient(registry).find("two") is not None


def test_the_file_is_looked_at_once_a_second_at_most(tmp_path: Path) -> None:
    path = write(tmp_path / "t.toml", token_table("a", "one"))
    registry = TokenRegistry(path)
    registry._checked_at = time.monotonic() + 1000
    path.unlink()
    assert registry.find("one") is not None


@pytest.mark.parametrize("damage", ["[a", None])
def test_a_file_that_breaks_later_leaves_the_clients_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str | None
) -> None:
    path = write(tmp_path / "t.toml", token_table("a", "one"))
    registry = TokenRegistry(path)
    if damage is None:
        path.unlink()
    else:
        write(path, damage)
    assert impatient(registry).find("one").name == "a"
    assert "the tokens stay as they were" in caplog.text
    write(path, token_table("a", "two"))
    assert impatient(registry).find("two").name == "a"


def test_every_stored_hash_is_compared_for_every_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("a", "b", "c")
    registry = TokenRegistry(write(tmp_path / "t.toml", "".join(token_table(name, name) for name in names)))
    compared: list[str] = []

    def compare(stored: str, given: str) -> bool:
        compared.append(stored)
        return stored == given

    monkeypatch.setattr(tokens.hmac, "compare_digest", compare)
    for token in ("a", "c", "unknown"):
        compared.clear()
        registry.find(token)
        assert compared == [token_digest(name) for name in names]


def test_the_command_shows_the_token_apart_from_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from facewright_server.cli import main

    assert main(["token", "studio"]) == 0
    shown = capsys.readouterr()
    token = shown.err.split()[-1]
    assert token not in shown.out
    assert TokenRegistry(write(tmp_path / "t.toml", shown.out)).find(token).name == "studio"


def test_the_command_refuses_a_name_that_cannot_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    from facewright_server.cli import main

    assert main(["token", "no name"]) == 2
    assert "'no name'" in capsys.readouterr().err
