"""What many tests of the default rig begin with."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from facewright_models.foundry import VectorLayout
from facewright_models.rig import BakedRig, Character, load_rig, neutral_character
from unit.models.capture_folders import write_shard


@pytest.fixture(scope="session")
def rig() -> BakedRig:
    return load_rig("anny")


@pytest.fixture(scope="session")
def average(rig: BakedRig) -> Character:
    return neutral_character(rig.schema)


@pytest.fixture
def captures(tmp_path: Path, rig: BakedRig) -> Path:
    """Six captures of smooth colours with vectors near the average."""
    layout = VectorLayout(rig.schema)
    generator = np.random.default_rng(0)
    vectors = generator.uniform(0.4, 0.6, (6, layout.size)).astype(np.float32)
    jpegs = [
        cv2.imencode(".jpg", cv2.resize(generator.integers(0, 255, (8, 8, 3), np.uint8), (512, 512)))[
            1
        ].ravel()
        for _ in range(6)
    ]
    write_shard(tmp_path / "captures", vectors, jpegs, rig="anny", rig_version="1", seed=0)
    return tmp_path / "captures"
