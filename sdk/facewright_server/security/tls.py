"""The server's certificate: PEM files -> credentials that follow the files when they are renewed."""

import logging
from pathlib import Path

import grpc

from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError

__all__ = ["server_credentials"]

_log = logging.getLogger(__name__)


def server_credentials(config: ServerConfig) -> grpc.ServerCredentials | None:
    """Credentials for `add_secure_port`, None where no certificate is configured.

    Handshakes use the files as they are now, so a renewed certificate needs no restart. Raises `ConfigError`
    for files that cannot be read or do not hold PEM.
    """
    if not config.tls_certificate:
        return None
    certificate_path, key_path = Path(config.tls_certificate), Path(config.tls_key)
    current = _read_pair(certificate_path, key_path)
    stamp = _stamp(certificate_path, key_path)

    def fetch() -> object:
        # Called by gRPC's own threads at every handshake; None means: as before.
        nonlocal stamp
        now = _stamp(certificate_path, key_path)
        if now == stamp:
            return None
        stamp = now
        try:
            renewed = _read_pair(certificate_path, key_path)
        except ConfigError as error:
            _log.error("the certificate stays as it was: %s", error)
            return None
        _log.info("certificate read")
        return grpc.ssl_server_certificate_configuration([renewed])

    first = grpc.ssl_server_certificate_configuration([current])
    return grpc.dynamic_ssl_server_credentials(first, fetch)


def _read_pair(certificate_path: Path, key_path: Path) -> tuple[bytes, bytes]:
    certificate = _read(certificate_path, "tls_certificate")
    key = _read(key_path, "tls_key")
    if b"-----BEGIN CERTIFICATE-----" not in certificate:
        raise ConfigError(f"tls_certificate {certificate_path} is no certificate in PEM form")
    if b"PRIVATE KEY-----" not in key:
        raise ConfigError(f"tls_key {key_path} is no private key in PEM form")
    return key, certificate


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {setting} {path}: {error.strerror or error}") from error


def _stamp(*paths: Path) -> tuple[object, ...]:
    stamps: list[object] = []
    for path in paths:
        try:
            status = path.stat()
            stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            stamps.append(None)
    return tuple(stamps)
