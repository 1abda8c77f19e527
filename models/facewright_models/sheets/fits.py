"""Contact sheet of fits: the aligned photo, the imitator's image and the render, in threes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError
from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.look import CharacterRenderer
from facewright_models.photo import Photo
from facewright_models.rig import load_rig
from facewright_models.sheets.grid import captioned, tile_grid

__all__ = ["fits_sheet"]


def fits_sheet(
    photos: Sequence[Photo], *, rig_name: str = "anny", options: FitOptions | None = None
) -> NDArray[np.uint8]:
    """Two fits in a row; a photo that cannot be fitted is a grey tile with the reason."""
    fitter = Fitter.load(rig_name)
    tiles = []
    with CharacterRenderer(load_rig(rig_name)) as renderer:
        for photo in photos:
            try:
                result = fitter.fit([Subject(photos=(photo,))], options=options, render=renderer.portrait)[0]
            except FacewrightError as error:
                empty = np.full((512, 512, 3), 128, np.uint8)
                tiles += [captioned(empty, error.reason), empty, empty]
                continue
            report = result.report
            caption = f"cos {report.identity_cosine:.2f} nme {report.landmark_nme:.3f}"
            tiles += [result.aligned_photo, result.imitated, captioned(result.rendered, caption)]
    return tile_grid(tiles, columns=6)
