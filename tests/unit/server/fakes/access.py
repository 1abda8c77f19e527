"""What clients show to get in, and what servers show to be believed: tokens and certificates of one test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from facewright_server.security.tokens import token_table


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def write_tokens(folder: Path, **tokens: str) -> str:
    """A tokens file with one client per name; its path."""
    path = folder / "tokens.toml"
    path.write_text("\n".join(token_table(name, token) for name, token in tokens.items()))
    path.chmod(0o600)
    return str(path)


def make_certificate(folder: Path, name: str = "server") -> tuple[str, str]:
    """Paths of a certificate for this machine that signs itself, and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={name}",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return str(certificate), str(key)
