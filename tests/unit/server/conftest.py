"""Fixtures of the server's tests."""

import uuid
from pathlib import Path

import pytest

from unit.server.fakes import stores


@pytest.fixture(params=["folder", "memory"])
def media_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return stores.media_url(tmp_path) if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
