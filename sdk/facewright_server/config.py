"""Settings of the server: command line > environment > file > default, merged once into one frozen object."""

import dataclasses
import ipaddress
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facewright_server.errors import ConfigError

__all__ = ["ENVIRONMENT_PREFIX", "ServerConfig", "build_config", "split_address"]

ENVIRONMENT_PREFIX = "FACEWRIGHT_"
_CONFIG_VARIABLE = "FACEWRIGHT_CONFIG"
_RENDER_BACKENDS = ("auto", "pyrender", "egl")
_LANDMARK_MODELS = ("network", "dlib")
_LARGEST_FRAME_PX = 2048
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _setting(default: Any, help_text: str, *, minimum: float | None = None) -> Any:
    return field(default=default, metadata={"help": help_text, "minimum": minimum})


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Everything that can be set. The name of a field is its TOML key, its flag and its variable."""

    listen: str = _setting("127.0.0.1:50051", "address HOST:PORT; port 0 picks a free one")
    default_rig: str = _setting("anny", "rig of requests that name none; loaded at start")
    insecure_allow_remote: bool = _setting(
        False, "accept an address other machines can reach, without TLS or without tokens"
    )
    fit_workers: int = _setting(2, "batches of fits that run at the same time", minimum=1)
    fit_queue_depth: int = _setting(8, "fits that may wait for their turn", minimum=0)
    render_queue_depth: int = _setting(64, "frames that may wait for their turn", minimum=0)
    render_backend: str = _setting(
        "auto",
        "what draws frames: pyrender, egl, or auto: egl where a request names a preset, else pyrender",
    )
    landmark_model: str = _setting(
        "network",
        "what marks faces: network, ours, or dlib, whose file is for non-commercial use",
    )
    max_frame_px: int = _setting(2048, "width and height of a frame, at most 2048", minimum=16)
    max_clip_frames: int = _setting(18_000, "frames of one clip", minimum=1)
    max_clip_curves: int = _setting(256, "curves of one clip", minimum=1)
    clip_frames_ahead: int = _setting(
        3, "frames of a clip that are drawn and not yet read by the caller", minimum=1
    )
    max_expression_frames: int = _setting(1000, "frames of one animated expression", minimum=1)
    max_expression_streams: int = _setting(4, "photos that are animated live at the same time", minimum=1)
    max_video_secs: float = _setting(120.0, "longest video of which a frame is animated", minimum=0.1)
    video_limit_secs: float = _setting(1800.0, "longest time to make one video", minimum=0.1)
    export_queue_depth: int = _setting(16, "exports that may wait for their turn", minimum=0)
    torch_threads: int = _setting(
        2, "threads of a fit that runs alone; several batches at once share them", minimum=1
    )
    fit_limit_secs: float = _setting(600.0, "longest time for one fit call", minimum=0.1)
    max_message_bytes: int = _setting(32 * 1024 * 1024, "largest message, both ways", minimum=64 * 1024)
    max_photo_pixels: int = _setting(100_000_000, "largest photo, in pixels", minimum=1)
    max_request_pixels: int = _setting(200_000_000, "all photos of one call together", minimum=1)
    max_subjects: int = _setting(8, "people per fit call", minimum=1)
    max_photos_per_subject: int = _setting(8, "photos per person", minimum=1)
    shutdown_grace_secs: float = _setting(
        5.0, "time that running calls get to finish when the server is told to stop", minimum=0
    )
    state_dir: str = _setting(
        "", "folder for the database and media; empty: a temporary one that goes with the server"
    )
    database_url: str = _setting("", "SQLAlchemy URL of the database; empty: SQLite in state_dir")
    media_url: str = _setting("", "fsspec URL of the folder for media; empty: media/ in state_dir")
    max_upload_bytes: int = _setting(4 * 1024**3, "largest uploaded file", minimum=1)
    media_ttl_secs: float = _setting(24 * 3600.0, "how long media are kept, at most", minimum=1)
    operation_ttl_secs: float = _setting(
        7 * 24 * 3600.0, "how long finished operations and their results are kept", minimum=1
    )
    max_batch_photos: int = _setting(1000, "photos of one BatchFit", minimum=1)
    job_workers: int = _setting(1, "processes that work on operations; 0: none here", minimum=0)
    lease_secs: float = _setting(
        15.0, "time after which the job of a worker that went silent is taken over", minimum=1
    )
    fit_batch_size: int = _setting(4, "waiting fits that are optimised together", minimum=1)
    tls_certificate: str = _setting("", "PEM file with the server's certificate chain")
    tls_key: str = _setting("", "PEM file with its private key")
    tokens_file: str = _setting(
        "", "TOML file of clients: a table per client with token_sha256 and, optionally, limits"
    )
    max_client_calls: int = _setting(32, "calls of one client at the same time", minimum=1)
    client_calls_per_sec: float = _setting(200.0, "calls a second of one client, on average", minimum=0.001)
    max_client_media_bytes: int = _setting(16 * 1024**3, "media of one client together", minimum=1)
    max_client_operations: int = _setting(64, "operations of one client that are not done", minimum=1)
    metrics_listen: str = _setting("", "address HOST:PORT of the Prometheus metrics; empty: none")
    otlp_endpoint: str = _setting("", "OTLP collector for spans (needs facewright[tracing]); empty: none")
    idle_exit_secs: float = _setting(
        0.0, "leave after this time without calls and operations; 0: never", minimum=0
    )
    log_level: str = _setting("INFO", f"one of {', '.join(_LOG_LEVELS)}")

    def __post_init__(self) -> None:
        for spec in dataclasses.fields(self):
            minimum, value = spec.metadata["minimum"], getattr(self, spec.name)
            if minimum is not None and not value >= minimum:
                raise ConfigError(f"{spec.name} is {value}; expected at least {minimum:g}")
        if self.log_level not in _LOG_LEVELS:
            raise ConfigError(f"log_level is {self.log_level!r}; expected one of {', '.join(_LOG_LEVELS)}")
        if self.render_backend not in _RENDER_BACKENDS:
            raise ConfigError(
                f"render_backend is {self.render_backend!r}; expected one of {', '.join(_RENDER_BACKENDS)}"
            )
        if self.landmark_model not in _LANDMARK_MODELS:
            raise ConfigError(
                f"landmark_model is {self.landmark_model!r}; expected one of {', '.join(_LANDMARK_MODELS)}"
            )
        if self.max_frame_px > _LARGEST_FRAME_PX:
            raise ConfigError(f"max_frame_px is {self.max_frame_px}; expected at most {_LARGEST_FRAME_PX}")
        split_address(self.listen)
        if self.metrics_listen:
            split_address(self.metrics_listen)
        if bool(self.tls_certificate) != bool(self.tls_key):
            given, missing = (
                ("tls_certificate", "tls_key") if self.tls_certificate else ("tls_key", "tls_certificate")
            )
            raise ConfigError(f"{given} is set and {missing} is not; give both, or neither")
        if self.is_remote and not self.is_protected and not self.insecure_allow_remote:
            raise ConfigError(
                f"listen is {self.listen}, which other machines can reach; that takes TLS and tokens: set "
                "tls_certificate, tls_key and tokens_file (facewright-server token NAME makes a token), listen on "
                "127.0.0.1, or pass --insecure-allow-remote inside a network you trust"
            )

    @property
    def is_remote(self) -> bool:
        """Whether other machines can reach the address."""
        return not _is_loopback(split_address(self.listen)[0])

    @property
    def is_protected(self) -> bool:
        """Whether calls are encrypted and need a token."""
        return bool(self.tls_certificate and self.tokens_file)


def build_config(
    command_line: Mapping[str, object], environment: Mapping[str, str], *, file: Path | None = None
) -> ServerConfig:
    """Merge the sources. `command_line` holds only what was given; `file` wins over FACEWRIGHT_CONFIG.

    Raises `ConfigError` for an unknown name in the file, a malformed value or an unreadable file.
    """
    if file is None and environment.get(_CONFIG_VARIABLE):
        file = Path(environment[_CONFIG_VARIABLE])
    specs = {spec.name: spec for spec in dataclasses.fields(ServerConfig)}
    merged: dict[str, object] = {}
    for name, value in _read_file(file).items() if file else ():
        if name not in specs:
            raise ConfigError(f"{file}: unknown setting {name!r}; expected one of {', '.join(specs)}")
        merged[name] = _coerce(name, value, specs[name].type, source=str(file))
    for name, spec in specs.items():
        variable = ENVIRONMENT_PREFIX + name.upper()
        if variable in environment:
            merged[name] = _coerce(name, environment[variable], spec.type, source=variable)
    for name, value in command_line.items():
        merged[name] = _coerce(name, value, specs[name].type, source="--" + name.replace("_", "-"))
    return ServerConfig(**merged)  # type: ignore[arg-type]


def split_address(address: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[V6]:PORT`` -> host without brackets, port. Raises `ConfigError`."""
    host, separator, port = address.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"the address is {address!r}; expected HOST:PORT, for example 127.0.0.1:50051")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ConfigError(f"the address is {address!r}; write an IPv6 address in brackets: [::1]:50051")
    return host.strip("[]"), int(port)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _coerce(name: str, value: object, target: object, *, source: str) -> object:
    """Bring text or a TOML value to the type of the field."""
    convert = _CONVERTERS.get(target)
    if convert is None:
        return str(value)
    try:
        return convert(str(value).strip().lower())
    except (ValueError, KeyError) as error:
        kind = getattr(target, "__name__", str(target))
        raise ConfigError(f"{source}: {name} is {value!r}; expected {kind}") from error


_TRUTH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_CONVERTERS: Mapping[object, Callable[[str], object]] = {bool: _TRUTH.__getitem__, int: int, float: float}
