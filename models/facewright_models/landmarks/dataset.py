"""What the landmark network learns from: photos with templates, expressions marked by two models, and captures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.foundry.face_capture import project_mesh, read_face_shards
from facewright_models.landmarks.crops import crop_of_points
from facewright_models.landmarks.mesh_points import MeshPoints, solid_vertices
from facewright_models.landmarks.template import POINT_COUNT, points_of_template, read_template
from facewright_models.landmarks.views import MarkedFace
from facewright_models.parsing.autolabel import backdrop_opacity
from facewright_models.parsing.photos import is_held_out, read_labels
from facewright_models.photo import decode_photo
from facewright_models.rig import BakedRig

__all__ = [
    "CapturedFaces",
    "Locate",
    "clip_frames",
    "held_out_templates",
    "marked_photo",
    "photo_around",
    "smiling_photos",
    "training_photos",
    "training_templates",
]

logger = logging.getLogger(__name__)

_KEPT_PX = 280
"""Photos are kept so wide, and cut about the face so that no random view leaves them."""
_KEPT_SIDES = 1.9
_TRAINING_CLIPS, _EVERY_FRAME = ("d3.mp4", "d6.mp4", "d18.mp4"), 12
_CALM_YAW, _CALM_PITCH, _CALM_ACTIONS = 15.0, 12.0, 0.6

Locate = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""A picture with one face -> the network's points (81, 2), or (0, 2) where no face is found."""


def training_photos(data: Path, kept_px: int = _KEPT_PX) -> list[MarkedFace]:
    """Neutral photos of the people that may be trained on. Raises InvalidInputError where there are none."""
    paths = training_templates(data)
    if not paths:
        raise InvalidInputError(f"no training photo with a template under {data}/faces/london", field="data")
    return [_with_backdrop(path, kept_px) for path in paths]


def training_templates(data: Path) -> list[Path]:
    """Of the people that may be trained on."""
    folder = data / "faces" / "london" / "neutral"
    return [path for path in sorted(folder.glob("*.tem")) if not is_held_out(path)]


def held_out_templates(data: Path) -> list[Path]:
    """Templates beside their photos that nothing is trained on: of London every fourth person, and all of Canada."""
    faces = data / "faces"
    london = [path for path in sorted((faces / "london" / "neutral").glob("*.tem")) if is_held_out(path)]
    return london + sorted((faces / "canada").glob("*.tem"))


def marked_photo(template: Path) -> MarkedFace:
    """The photo beside a template, whole. Raises InvalidInputError."""
    pixels = decode_photo(template.with_suffix(".jpg").read_bytes()).pixels
    return MarkedFace(pixels=pixels, points=points_of_template(read_template(template)))


def photo_around(face: MarkedFace, kept_px: int = _KEPT_PX) -> MarkedFace:
    """The same with the surroundings that random views may show, and no larger than these need."""
    photo_from_kept = crop_of_points(face.points[:68])
    photo_from_kept[:, :2] *= _KEPT_SIDES
    center = photo_from_kept[:, :2] @ np.full(2, 63.5)
    photo_from_kept[:, 2] += center / _KEPT_SIDES - center
    photo_from_kept[:, :2] *= 128 / kept_px
    flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP

    def kept(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        size = (kept_px, kept_px)
        warped = cv2.warpAffine(image, photo_from_kept, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, dtype=np.uint8)

    points = cv2.transform(face.points[None], cv2.invertAffineTransform(photo_from_kept))[0]
    opacity = None if face.opacity is None else kept(face.opacity)
    return MarkedFace(pixels=kept(face.pixels), points=points, opacity=opacity)


def smiling_photos(data: Path, locate: Locate, kept_px: int = _KEPT_PX) -> list[MarkedFace]:
    """Smiling photos of the same people, for which there is no template."""
    folder = data / "faces" / "london" / "smiling"
    faces = []
    for path in sorted(folder.glob("*.jpg")):
        if not is_held_out(path):
            pixels = decode_photo(path.read_bytes()).pixels
            points = locate(pixels)
            if points.size:
                faces.append(photo_around(MarkedFace(pixels=pixels, points=points), kept_px))
    return faces


def clip_frames(data: Path, locate: Locate, kept_px: int = _KEPT_PX) -> list[MarkedFace]:
    """Every twelfth frame of the driving clips that may be trained on: shut eyes, raised brows, mouths of all shapes.

    Frames that `locate` marks nothing in are left out.
    """
    faces = []
    for name in _TRAINING_CLIPS:
        path = data / "video" / "driving" / name
        if not path.is_file():
            continue
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index % _EVERY_FRAME:
                    continue
                pixels = frame.to_ndarray(format="rgb24")
                points = locate(pixels)
                if points.size:
                    faces.append(photo_around(MarkedFace(pixels=pixels, points=points), kept_px))
    return faces


class CapturedFaces:
    """Face captures, kept compressed; frames are decoded when asked for. `points` is set by `place`.

    The last `held_out_share` of them is never trained on.
    """

    points: NDArray[np.float64]

    def __init__(self, folder: Path, rig: BakedRig, *, held_out_share: float = 0.05) -> None:
        shards = list(read_face_shards(folder))
        self.side_px = int(cv2.imdecode(shards[0].jpegs[0], cv2.IMREAD_COLOR).shape[0])  # type: ignore[union-attr]
        self._rig = rig
        self._jpegs = [file for shard in shards for file in shard.jpegs]
        self._masks = [file for shard in shards for file in shard.masks_png]
        self.sliders, self.expressions, self.views, self.crops = (
            np.concatenate([getattr(shard, name) for shard in shards])
            for name in ("sliders", "expressions", "views", "crops")
        )
        self.points = np.zeros((len(self._jpegs), POINT_COUNT, 2))
        self.training_count = max(1, round(len(self._jpegs) * (1 - held_out_share)))

    def __len__(self) -> int:
        return len(self._jpegs)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Frame `index` (S, S, 3). Raises InvalidInputError for a damaged one."""
        image = cv2.imdecode(self._jpegs[index], cv2.IMREAD_COLOR)
        if image is None:
            raise InvalidInputError(f"capture {index} is damaged: its frame cannot be decoded")
        return np.ascontiguousarray(image[..., ::-1])

    def __getitem__(self, index: int) -> MarkedFace:
        mask = cv2.imdecode(self._masks[index], cv2.IMREAD_UNCHANGED)
        return MarkedFace(
            pixels=self.pixels(index), points=self.points[index], opacity=np.asarray(mask, dtype=np.uint8)
        )

    def calm(self, count: int) -> NDArray[np.int64]:
        """At most `count` training captures that look at the camera nearly at rest."""
        turned = np.abs(self.views) > [_CALM_YAW, _CALM_PITCH]
        is_calm = ~turned.any(1) & (self.expressions.sum(1) < _CALM_ACTIONS)
        return np.flatnonzero(is_calm[: self.training_count])[:count]

    @property
    def actions(self) -> tuple[str, ...]:
        """Facial actions, in the order of `expressions`."""
        return tuple(self._rig.schema.facial_actions)

    def skin(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N, V, 2) where the vertices of the skin are seen in some frames."""
        part = self._rig.part("skin").vertices
        used = range(part.start, part.stop)
        vertices = solid_vertices(self._rig, self.sliders[rows], self.expressions[rows], used)
        return self._projected(vertices, rows)

    def place(self, mesh: MeshPoints) -> None:
        """Set `points` (N, 81, 2), in pixels of the frames."""
        used, places = np.unique(mesh.vertices, return_inverse=True)
        vertices = solid_vertices(self._rig, self.sliders, self.expressions, used.tolist())
        compact = MeshPoints(vertices=places.reshape(mesh.vertices.shape), shares=mesh.shares)
        self.points = self._projected(compact.of(vertices), np.arange(len(self)))

    def _projected(
        self, points: NDArray[np.floating], rows: NDArray[np.int64] | Sequence[int]
    ) -> NDArray[np.float64]:
        return np.stack(
            [
                project_mesh(each, self.views[row], self.crops[row], self.side_px)
                for each, row in zip(points, rows, strict=True)
            ]
        )


def _with_backdrop(template: Path, kept_px: int) -> MarkedFace:
    face = marked_photo(template)
    labels = template.with_name(template.stem + ".labels.png")
    opacity = None
    if labels.is_file():
        share = backdrop_opacity(face.pixels, read_labels(labels))
        opacity = np.asarray(np.round(255 * share), dtype=np.uint8)
    return photo_around(MarkedFace(pixels=face.pixels, points=face.points, opacity=opacity), kept_px)
