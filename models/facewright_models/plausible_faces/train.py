"""Make the prior of plausible faces: fit the training people, and decompose what came out, part by part.

Every fit is kept beside the result, so that a killed run goes on. Nothing is random.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import torch
from torch import Tensor

from facewright_models.errors import FacewrightError, InvalidInputError
from facewright_models.fitting import Fitter, Subject
from facewright_models.fitting.confidence import slider_groups
from facewright_models.look import CharacterRenderer
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import decode_photo
from facewright_models.plausible_faces.prior import PlausibleFaces
from facewright_models.plausible_faces.store import register_plausible_faces
from facewright_models.rig import Character, load_rig, slider_vector

__all__ = ["fitted_sliders", "measure_and_register"]

logger = logging.getLogger(__name__)

_NOT_YET = frozenset({"plausible_faces", "translator"})
"""Parts of a fit that are made from this prior, or after it."""


def measure_and_register(data: Path, *, out: Path, rig_name: str = "anny") -> dict[str, float]:
    """Fit the neutral and smiling photos of the training people in `data`, make the prior, put it into the package.

    The quality that is stored is that of a fifth of the people under the prior of the others.
    """
    rig = load_rig(rig_name)
    sliders = fitted_sliders(data, out=out, rig_name=rig_name)
    groups = slider_groups(rig.schema)
    scores = _explained(sliders, groups)
    faces = PlausibleFaces.of_fits(sliders, groups)
    register_plausible_faces(
        faces,
        rig_name,
        command="facewright-server train plausible-faces --data DIR --out DIR",
        data=f"{len(sliders)} fits of London people with id % 4 != 0, neutral and smiling",
        quality=scores,
    )
    return scores


def fitted_sliders(data: Path, *, out: Path, rig_name: str) -> Tensor:
    """(N, P) of the training people's photos that can be fitted. Raises InvalidInputError where there is none."""
    fitter, rig = Fitter.load(rig_name, left_out=_NOT_YET), load_rig(rig_name)
    out.mkdir(parents=True, exist_ok=True)
    found = []
    with CharacterRenderer(rig) as renderer:
        for path in _photos(data):
            kept = out / f"{path.stem}.json"
            if not kept.exists():
                try:
                    subject = Subject(photos=(decode_photo(path.read_bytes()),))
                    (result,) = fitter.fit([subject], render=renderer.portrait)
                except FacewrightError as error:
                    logger.warning("%s is left out: %s", path.name, error)
                    continue
                kept.write_text(json.dumps(dict(result.character.sliders)))
                logger.info("fitted %s", path.name)
            character = Character(
                rig=rig.schema.name,
                rig_version=rig.schema.version,
                sliders=json.loads(kept.read_text()),
                styles={},
                colors={},
            )
            found.append(slider_vector(rig.schema, character))
    if not found:
        raise InvalidInputError(f"{data} holds no photo that can be fitted", field="data")
    return torch.stack(found)


def _photos(data: Path) -> list[Path]:
    """Neutral and smiling photos in pairs, person by person."""
    london = data / "faces" / "london"
    paths = [*(london / "neutral").glob("*.jpg"), *(london / "smiling").glob("*.jpg")]
    return sorted((path for path in paths if not is_held_out(path)), key=lambda path: path.stem)


def _explained(sliders: Tensor, groups: dict[str, list[int]]) -> dict[str, float]:
    """How far unseen faces move when they are taken nearer to what the others show, against how far they are."""
    moved, whole = [], []
    for fold in range(5):
        held_out = torch.arange(len(sliders)) // 2 % 5 == fold
        faces = PlausibleFaces.of_fits(sliders[~held_out], groups)
        unseen = sliders[held_out]
        moved.append((faces.nearer(unseen) - unseen).square().mean())
        whole.append((unseen - faces.mean).square().mean())
    share = 1 - float(torch.stack(moved).sum() / torch.stack(whole).sum())
    return {"variance_kept": round(share, 4), "fits": float(len(sliders))}
