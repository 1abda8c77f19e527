"""The real server, in a process of its own, and photos made from one public-domain portrait."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facewright import Client, EmbeddedServer, FitResult, errors
from integration import photos


@pytest.fixture(scope="session", autouse=True)
def _child_processes_find_the_packages() -> Iterator[None]:
    """What this process imports, its children import as well, installed or not."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def portrait(astronaut: np.ndarray) -> np.ndarray:
    """(512, 512, 3) uint8: one smiling face, about 100 pixels wide."""
    return astronaut


@pytest.fixture(scope="session")
def server(_child_processes_find_the_packages: None) -> Iterator[EmbeddedServer]:
    with pytest.MonkeyPatch.context() as patch:
        # As many threads in every fit, however busy the tests beside it keep the machine: the same sliders.
        patch.setenv("FACEWRIGHT_TORCH_THREADS", "1")
        with EmbeddedServer() as running:
            yield running


@pytest.fixture(scope="session")
def client(server: EmbeddedServer) -> Iterator[Client]:
    with Client(server.address) as connected:
        yield connected


@pytest.fixture(scope="session")
def plain_fit(client: Client, portrait: np.ndarray) -> FitResult:
    """The portrait without loss, a few steps."""
    return fit_or_skip(client, photos.png(portrait))


@pytest.fixture(scope="session")
def fitting(client: Client, plain_fit: FitResult) -> Client:
    """A client whose server has every model that a fit needs."""
    return client


def fit_or_skip(client: Client, content: bytes) -> FitResult:
    try:
        return client.fit(content, options=photos.FEW_STEPS)
    except errors.ServerError as error:
        if error.reason == "WEIGHTS_UNUSABLE" and "sha256" not in error.metadata:
            pytest.skip(f"WEIGHTS MISSING, no fit was tested: {error}")
        raise
