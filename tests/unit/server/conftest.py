"""Fixtures of the server's tests."""

import uuid
from pathlib import Path

import pytest


@pytest.fixture(params=["folder", "memory"])
def media_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "media") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
