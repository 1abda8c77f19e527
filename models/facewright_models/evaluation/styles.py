"""Does every style fit every head? Label maps of random characters say where hair is and where it should not be."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.foundry.sampling import random_posed
from facewright_models.look import CharacterRenderer, View
from facewright_models.rig import BakedRig, load_rig
from facewright_models.rig.parts import PAINT_CHANNELS

__all__ = ["StyleFit", "evaluate", "style_fits"]

_SEED = 900_011
_SIZE_PX = 256
_YAW_DEGREES = 35.0
_HAIR = 2
_SCALP = 11
"""A label of this check alone: skin well inside the hairline, which hair must hide."""
_SHRUNK = 0.06
"""The face is shrunk by this share of its width: locks may lie on its very edge."""
MOST_FACE = 0.004
MOST_SCALP = 0.01


@dataclass(frozen=True, kw_only=True)
class StyleFit:
    """One style on one head: the share of the face below the brows that hair covers, and the share of the hair's
    area in which the bare scalp shows (the larger of the frontal and a turned view).
    """

    style: str
    character: int
    face: float
    scalp: float

    @property
    def fits(self) -> bool:
        """Whether both shares are as good as nothing."""
        return self.face <= MOST_FACE and self.scalp <= MOST_SCALP


def evaluate(
    data: Path | None = None,  # noqa: ARG001 - every evaluation is called the same way
    *,
    limit: int = 200,
    rig_name: str = "anny",
) -> Report:
    """The table of hairstyles on `limit` uniformly random heads each. `data` is not needed."""
    fits = list(style_fits(limit, rig_name=rig_name))
    rows = []
    for style in dict.fromkeys(fit.style for fit in fits):
        own = [fit for fit in fits if fit.style == style]
        rows.append(
            Row(
                name=f"heads that {style} does not fit",
                measured=float(sum(not fit.fits for fit in own)),
                n=len(own),
                bar=0.0,
                lower_is_better=True,
                note=f"at worst {max(f.face for f in own):.2%} of the face, {max(f.scalp for f in own):.2%} scalp",
            )
        )
    return Report(
        title=f"Hairstyles on heads of rig '{rig_name}'",
        rows=tuple(rows),
        notes=(
            (
                f"sliders drawn uniformly (seed {_SEED}), label maps of {_SIZE_PX} px, "
                f"frontal and turned by {_YAW_DEGREES:g} degrees"
            ),
            (
                f"a style fits where hair covers at most {MOST_FACE:.1%} of the face below the brows (shrunk by "
                f"{_SHRUNK:.0%} of its width) and bare scalp shows in at most {MOST_SCALP:.0%} of the hair"
            ),
        ),
    )


def style_fits(
    count: int, *, rig_name: str = "anny", seed: int = _SEED, every: bool = True
) -> Iterator[StyleFit]:
    """Every hairstyle on each of `count` uniformly random heads; without `every`, one style for each head in turn."""
    rig = _with_scalp(load_rig(rig_name))
    worn = [style for style in rig.schema.styles["hair"].options if style != "bald"]
    generator = np.random.default_rng(seed)
    with CharacterRenderer(rig, size_px=_SIZE_PX) as renderer:
        for index in counted(range(count), "head"):
            drawn = random_posed(rig.schema, generator, turned=0.0).character
            bare = replace(drawn, styles={**drawn.styles, "facial_hair": "none"})
            for style in worn if every else worn[index % len(worn) :][:1]:
                character = replace(bare, styles={**bare.styles, "hair": style})
                front = renderer.render(character, passes={"labels"})
                turned = renderer.render(character, passes={"labels"}, view=View(yaw_degrees=_YAW_DEGREES))
                labels = [rendered.frame.labels for rendered in (front, turned)]
                yield StyleFit(
                    style=style,
                    character=index,
                    face=_face_covered(labels[0], front.landmarks_px),
                    # cropped to the skin, the scalp is painted; nothing has to hide it
                    scalp=0.0 if style == "buzz" else max(_scalp_seen(image) for image in labels),
                )


def _with_scalp(rig: BakedRig) -> BakedRig:
    """The rig with the skin's triangles well inside the hairline labelled as scalp."""
    skin = rig.parts[0]
    scalp = rig.paint[skin.vertices, PAINT_CHANNELS.index("scalp")]
    labels = skin.labels.copy()
    labels[scalp[skin.triangles].min(1) >= 1] = _SCALP
    marked = copy.copy(rig)
    marked.parts = (replace(skin, labels=labels), *rig.parts[1:])
    return marked


def _face_covered(labels: NDArray[np.uint8] | None, landmarks: NDArray[np.float64]) -> float:
    if labels is None:
        return float("nan")
    brows = landmarks[[26, 25, 24, 23, 22, 21, 20, 19, 18, 17]]
    outline = np.concatenate([landmarks[:17], brows])
    center = outline.mean(0)
    width = float(np.ptp(landmarks[:17, 0]))
    reach = np.linalg.norm(outline - center, axis=1, keepdims=True)
    outline = center + (outline - center) * np.clip(1 - _SHRUNK * width / np.maximum(reach, 1e-6), 0, 1)
    face = np.zeros(labels.shape, np.uint8)
    cv2.fillPoly(face, [np.round(outline).astype(np.int32)], 1)
    return float((labels[face > 0] == _HAIR).mean())


def _scalp_seen(labels: NDArray[np.uint8] | None) -> float:
    if labels is None:
        return float("nan")
    scalp, hair = int((labels == _SCALP).sum()), int((labels == _HAIR).sum())
    return scalp / max(scalp + hair, 1)
