"""A picture with edges, gradients and a few colours: what FLIP has an opinion about, in no time."""

from pathlib import Path

import numpy as np
import pytest

from facewright.testing.pictures import encode_picture


def portrait(height: int = 96, width: int = 128) -> np.ndarray:
    """(H, W, 3) uint8: a head of three ellipses, unlike its mirror image."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.empty((height, width, 3))
    picture[:] = (150, 155, 160)
    picture += 30 * (columns / width)[..., None]
    for centre, size, color in (
        ((0.50, 0.48), (0.42, 0.30), (200, 150, 120)),
        ((0.42, 0.38), (0.04, 0.05), (60, 40, 30)),
        ((0.42, 0.60), (0.05, 0.04), (40, 60, 90)),
    ):
        inside = ((rows / height - centre[0]) / size[0]) ** 2 + ((columns / width - centre[1]) / size[1]) ** 2
        picture = np.where(
            (inside < 1)[..., None], np.array(color) * (1.1 - 0.3 * inside[..., None]), picture
        )
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


@pytest.fixture
def picture() -> np.ndarray:
    return portrait()


@pytest.fixture
def frames(tmp_path: Path, picture: np.ndarray) -> Path:
    """A folder of two frames, as another renderer leaves it."""
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "hero.png").write_bytes(encode_picture(picture))
    (folder / "villain.png").write_bytes(encode_picture(np.ascontiguousarray(picture[::-1])))
    return folder
