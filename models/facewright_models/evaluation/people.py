"""The people whose photos evaluations ask about, and how a face is told from the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.identity import IdentityNetwork, face_chip_from_landmarks
from facewright_models.landmarks import detect_faces
from facewright_models.parsing.photos import is_held_out

__all__ = ["embedding", "gallery_photos", "person_of", "rank_among", "smiling_photo", "trained_nothing"]


def gallery_photos(data: Path) -> list[Path]:
    """The neutral photos of everyone in `faces/london` and `faces/canada`."""
    faces = data / "faces"
    return sorted((faces / "london" / "neutral").glob("*.jpg")) + sorted((faces / "canada").glob("*.jpg"))


def person_of(path: Path) -> str:
    """Name of the person on a photo; the same for the smiling one."""
    return f"{path.parent.name if path.parent.name == 'canada' else 'london'}-{path.stem.split('_')[0]}"


def trained_nothing(path: Path) -> bool:
    """Canada was never trained on; of London every fourth person was kept back."""
    return path.parent.name == "canada" or is_held_out(path)


def smiling_photo(neutral: Path) -> Path | None:
    """The smiling photo of the person of a London neutral one, where there is one."""
    found = sorted((neutral.parent.parent / "smiling").glob(f"{neutral.stem.split('_')[0]}_*.jpg"))
    return found[0] if found else None


def embedding(pixels: NDArray[np.uint8], identity: IdentityNetwork) -> NDArray[np.float64]:
    """(128,) of the largest face in a picture (H, W, 3); infinite where none is found."""
    faces = detect_faces(pixels)
    if not faces:
        return np.full(128, np.inf)
    image = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255
    marks = torch.tensor(faces[0].landmarks_px, dtype=torch.float32)[None]
    with torch.inference_mode():
        return identity.embed(face_chip_from_landmarks(image, marks))[0].numpy().astype(np.float64)


def rank_among(query: NDArray[np.float64], gallery: NDArray[np.float64], own: int) -> int:
    """How many of the gallery (N, 128) are nearer to the query than the own one; N for a query without a face."""
    if not np.isfinite(query).all():
        return len(gallery)
    distances = np.linalg.norm(gallery - query, axis=1)
    return int((distances < distances[own]).sum())
