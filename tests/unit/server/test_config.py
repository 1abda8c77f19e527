"""Settings: who wins, and what is refused."""

from pathlib import Path

import pytest

from facewright_server.config import ServerConfig, build_config
from facewright_server.errors import ConfigError


def test_command_line_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "facewright.toml"
    file.write_text("fit_workers = 2\ntorch_threads = 3\nfit_queue_depth = 4\n")
    environment = {"FACEWRIGHT_TORCH_THREADS": "5", "FACEWRIGHT_FIT_QUEUE_DEPTH": "6"}
    config = build_config({"fit_queue_depth": "7"}, environment, file=file)
    assert (config.fit_workers, config.torch_threads, config.fit_queue_depth) == (2, 5, 7)
    assert config.max_subjects == ServerConfig().max_subjects


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "facewright.toml"
    file.write_text('listen = "127.0.0.1:1234"\n')
    assert build_config({}, {"FACEWRIGHT_CONFIG": str(file)}).listen == "127.0.0.1:1234"


@pytest.mark.parametrize(("text", "value"), [("1", True), ("yes", True), ("OFF", False), ("false", False)])
def test_switches_are_read_from_words(text: str, value: bool) -> None:
    assert build_config({}, {"FACEWRIGHT_INSECURE_ALLOW_REMOTE": text}).insecure_allow_remote is value


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"FACEWRIGHT_FIT_WORKERS": "many"}, "FACEWRIGHT_FIT_WORKERS: fit_workers is 'many'; expected int"),
        ({"FACEWRIGHT_FIT_WORKERS": "1.5"}, "expected int"),
        ({"FACEWRIGHT_FIT_WORKERS": "0"}, "at least 1"),
        ({"FACEWRIGHT_FIT_LIMIT_SECS": "nan"}, "at least 0.1"),
        ({"FACEWRIGHT_INSECURE_ALLOW_REMOTE": "maybe"}, "expected bool"),
        ({"FACEWRIGHT_LOG_LEVEL": "LOUD"}, "expected one of DEBUG"),
        ({"FACEWRIGHT_LANDMARK_MODEL": "other"}, "expected one of network, dlib"),
        ({"FACEWRIGHT_LISTEN": "50051"}, "expected HOST:PORT"),
        ({"FACEWRIGHT_LISTEN": "::1:50051"}, "brackets"),
        ({"FACEWRIGHT_CONFIG": "/does/not/exist.toml"}, "cannot read the settings file"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_config({}, environment)


def test_an_unknown_key_in_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "facewright.toml"
    file.write_text("fit_wrokers = 2\n")
    with pytest.raises(ConfigError, match="unknown setting 'fit_wrokers'"):
        build_config({}, {}, file=file)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "192.168.0.4:1", "[::]:1", "games.example.com:1"])
def test_an_address_that_others_can_reach_is_refused_unless_allowed(address: str) -> None:
    with pytest.raises(ConfigError, match="insecure-allow-remote"):
        ServerConfig(listen=address)
    assert ServerConfig(listen=address, insecure_allow_remote=True).is_remote


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.8.8.8:9", "localhost:7", "[::1]:50051"])
def test_loopback_addresses_need_no_permission(address: str) -> None:
    assert not ServerConfig(listen=address).is_remote


PROTECTED = {"tls_certificate": "c.pem", "tls_key": "k.pem", "tokens_file": "t.toml"}


def test_an_address_that_others_can_reach_is_allowed_with_tls_and_tokens() -> None:
    config = ServerConfig(listen="0.0.0.0:1", **PROTECTED)
    assert config.is_remote
    assert config.is_protected


@pytest.mark.parametrize("missing", [["tokens_file"], ["tls_certificate", "tls_key"]])
def test_tls_without_tokens_or_tokens_without_tls_are_not_enough_for_others(missing: list[str]) -> None:
    settings = {name: value for name, value in PROTECTED.items() if name not in missing}
    with pytest.raises(ConfigError, match="takes TLS and tokens"):
        ServerConfig(listen="0.0.0.0:1", **settings)
    assert not ServerConfig(listen="0.0.0.0:1", insecure_allow_remote=True, **settings).is_protected
    assert not ServerConfig(listen="127.0.0.1:1", **settings).is_remote


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_a_certificate_without_its_key_or_a_key_alone_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="give both, or neither"):
        ServerConfig(**{given: "x.pem"})


@pytest.mark.parametrize("address", ["9464", "::1:9464", "127.0.0.1:99999"])
def test_the_address_of_the_metrics_is_checked(address: str) -> None:
    with pytest.raises(ConfigError, match=r"HOST:PORT|brackets"):
        ServerConfig(metrics_listen=address)
