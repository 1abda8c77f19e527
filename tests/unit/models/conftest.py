"""What many tests of the default rig begin with."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facewright_models.foundry import VectorLayout, random_posed
from facewright_models.landmarks import detect_faces
from facewright_models.look import CharacterRenderer
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


@pytest.fixture(scope="session")
def faces(rig: BakedRig) -> list[np.ndarray]:
    """Frames (512, 512, 3) of the average character and of two others."""
    generator = np.random.default_rng(4)
    characters = [neutral_character(rig.schema)]
    characters += [random_posed(rig.schema, generator, turned=0.0).character for _ in range(2)]
    shaven = {"facial_hair": "none", "hair": "crop"}
    frames = []
    with CharacterRenderer(rig, size_px=512) as renderer:
        for character in characters:
            color = renderer.render(replace(character, styles={**character.styles, **shaven})).frame.color
            assert color is not None
            assert detect_faces(color)
            frames.append(color)
    return frames
