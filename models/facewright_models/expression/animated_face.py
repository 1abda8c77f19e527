"""A photo whose face takes on degrees of expression, in the photo's own size.

Landmarks go where the degrees want them, which guides the networks: these say, region by region, where pixels move, how
light changes and what comes to light. Here these fields are laid over the photo, whose own pixels are moved, so that
nothing that was visible loses detail. Beyond the landmarks' hull, grown by 15 % of the face's width, no pixel is
touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.expression.degrees import Rest, degrees_of
from facewright_models.expression.guide import MovedFace
from facewright_models.expression.landmark_motion import LandmarkMotion
from facewright_models.expression.lighting import usual_light
from facewright_models.expression.network import Drawn, HalfNetwork, Told, lit
from facewright_models.expression.processing import ProcessingModel, asked_of
from facewright_models.expression.ratio_images import RatioImages
from facewright_models.expression.regions import HALVES, Region, between, contours, region_of
from facewright_models.expression.teeth import found_teeth
from facewright_models.expression.types import DEGREE_RANGES, DEGREES
from facewright_models.landmarks.closer.model import cut
from facewright_models.photo import Notice

__all__ = ["AnimatedFace", "face_mask"]

Matrix = NDArray[np.float64]
Fields = NDArray[np.float32]

_GROWN, _SOFT = 0.15, 0.035
"""Of the face's width: how far the hull is grown, and over how much of that changes fade."""
_EYES = {"left_eye": "right_eye", "right_eye": "left_eye"}


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A region of the photo with its features."""

    region: Region
    photo_from_region: Matrix
    features: tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class _SeenHalf:
    name: str
    network: HalfNetwork
    coarse: _Seen
    fine: Mapping[str, _Seen]


class AnimatedFace:
    """See the module and `OpenedFace`; used by one thread at a time."""

    def __init__(
        self,
        model: ProcessingModel,
        pixels: UInt8[np.ndarray, "H W 3"],
        points: Float64[np.ndarray, "81 2"],
        rest: Rest,
        *,
        notices: tuple[Notice, ...] = (),
    ) -> None:
        self._pixels, self._points = pixels, points
        self._motion = LandmarkMotion(model.ways.double().numpy())
        self._ratios = RatioImages(model.ratios.double().numpy(), model.mean_face.double().numpy())
        self._own = degrees_of(points, rest)
        self._teeth = found_teeth(pixels, points)
        self._light = usual_light(pixels, points)
        self.notices = notices
        with torch.inference_mode():
            self._halves = [_seen_half(model, name, pixels, points, self._light) for name in HALVES]
        mask = face_mask(points, pixels.shape[:2])
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        self._place = (
            np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else np.s_[0:0, 0:0]
        )
        self._mask = mask[self._place][..., None]
        height, width = self._mask.shape[:2]
        self._corner = np.array([self._place[1].start, self._place[0].start], np.float64)
        self._grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
        self._grid += self._corner.astype(np.float32)

    @property
    def own(self) -> Mapping[str, float]:
        """See `OpenedFace`."""
        return dict(self._own)

    def frame(self, degrees: Mapping[str, float]) -> UInt8[np.ndarray, "H W 3"]:
        """See `OpenedFace`."""
        return self.drawn(self.checked(degrees))

    @staticmethod
    def checked(degrees: Mapping[str, float]) -> Mapping[str, float]:
        """The same degrees. Raises UnknownParameterError, ParameterRangeError."""
        for name, value in degrees.items():
            if name not in DEGREE_RANGES:
                raise UnknownParameterError(
                    f"there is no degree '{name}'; degrees: {', '.join(DEGREES)}",
                    field="degrees",
                    metadata={"got": name},
                )
            low, high = DEGREE_RANGES[name]
            if not low <= value <= high:
                raise ParameterRangeError(
                    f"{name} is {value}; expected {low:g}..{high:g}",
                    field=f"degrees[{name}]",
                    metadata={"got": str(value)},
                )
        return degrees

    def drawn(self, asked: Mapping[str, float]) -> UInt8[np.ndarray, "H W 3"]:
        """The same for degrees that may pass their ranges."""
        wanted = {**self._own, **asked}
        changed = [
            half for half in self._halves if any(wanted[n] != self._own[n] for n in HALVES[half.name].degrees)
        ]
        own, new = (np.array([values[name] for name in DEGREES]) for values in (self._own, wanted))
        return self._frame(changed, self._motion.moved(self._points, own, new))

    def towards(self, landmarks: Float64[np.ndarray, "68 2"]) -> UInt8[np.ndarray, "H W 3"]:
        """The photo with its landmarks where they are wanted, in its pixels; degrees follow from them."""
        return self._frame(self._halves, landmarks)

    def _frame(self, halves: list[_SeenHalf], goal: NDArray[np.float64]) -> NDArray[np.uint8]:
        result = self._pixels.copy()
        if halves and self._mask.size:
            result[self._place] = self._painted(halves, goal)
        return result

    def _painted(self, halves: list[_SeenHalf], goal: NDArray[np.float64]) -> NDArray[np.uint8]:
        moved = np.zeros_like(self._grid)
        gain = np.ones(self._grid.shape[:2], np.float32)
        made: list[tuple[Fields, Fields]] = []
        own = np.array([self._own[name] for name in DEGREES])
        wanted = dict(zip(DEGREES, self._motion.shown(self._points, own, goal).tolist(), strict=True))
        with torch.inference_mode():
            for half in halves:
                whole, closer = self._drawn(half, wanted, goal)
                fields = self._laid(half.coarse, whole)
                for name, drawn in closer.items():
                    seen = half.fine[name]
                    fields = np.where(self._inside(seen)[..., None], self._laid(seen, drawn), fields)
                    if drawn.made is not None and drawn.color is not None:
                        pixels = torch.cat([drawn.made, drawn.color], 1)
                        laid = self._spread(seen, pixels[0].permute(1, 2, 0).float().numpy(), cv2.INTER_CUBIC)
                        made.append((np.clip(laid[..., :1], 0, 1), laid[..., 1:] / self._light))
                moved += fields[..., :2]
                gain *= 1 + fields[..., 2]
        return self._composed(moved, gain, made)

    def _composed(self, moved: Fields, gain: Fields, made: list[tuple[Fields, Fields]]) -> NDArray[np.uint8]:
        places = self._grid + moved
        image = cv2.remap(
            self._pixels, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)
        image = 255 * lit(np.clip(image / 255, 0, 1), gain[..., None])
        for share, color in made:
            image += share * (255 * color - image)
        before = self._pixels[self._place].astype(np.float32)
        after = before + self._mask * (image - before)
        return np.asarray(np.clip(np.rint(after), 0, 255), dtype=np.uint8)

    def _drawn(
        self, half: _SeenHalf, wanted: Mapping[str, float], goal: NDArray[np.float64]
    ) -> tuple[Drawn, dict[str, Drawn]]:
        moved = MovedFace(self._points, goal, HALVES[half.name], self._teeth)
        told = replace(self._told(half, half.coarse, moved, wanted), light=self._lit(half, wanted, goal))
        whole = half.network.whole(half.coarse.features, told)
        closer = {}
        for name, seen in half.fine.items():
            coarse_from_fine = between(
                seen.photo_from_region,
                seen.region.side_px,
                half.coarse.photo_from_region,
                half.coarse.region.side_px,
            )
            closer[name] = half.network.closer(
                whole,
                told,
                seen.features,
                torch.from_numpy(coarse_from_fine).float()[None],
                self._told(half, seen, moved, wanted),
            )
        return whole, closer

    def _told(self, half: _SeenHalf, seen: _Seen, moved: MovedFace, wanted: Mapping[str, float]) -> Told:
        guide = moved.guide(seen.region, seen.photo_from_region)
        return Told(
            asked=self._asked(half.name, wanted, mirrored=seen.region.window.is_mirrored),
            moved=torch.from_numpy(guide.moved)[None],
            drawn=torch.from_numpy(guide.drawn)[None],
        )

    def _lit(self, half: _SeenHalf, wanted: Mapping[str, float], goal: NDArray[np.float64]) -> Tensor | None:
        """How it is known to change."""
        if "smile" not in HALVES[half.name].degrees:
            return None
        side, smiles = half.coarse.region.side_px, (self._own["smile"], wanted["smile"])
        light = self._ratios.light(self._points, goal, half.coarse.photo_from_region, side, smiles)
        return torch.from_numpy(light)[None, None]

    def _asked(self, half: str, wanted: Mapping[str, float], *, mirrored: bool) -> Tensor:
        names = [_EYES.get(name, name) if mirrored else name for name in DEGREES]
        own, new = (torch.tensor([[values[name] for name in names]]) for values in (self._own, wanted))
        return asked_of(half, own, new)

    def _laid(self, seen: _Seen, drawn: Drawn) -> Fields:
        """(h, w, 3) over the face: by how many pixels of the photo things move, and the change of light."""
        fields = torch.cat([drawn.moved, drawn.gain - 1], 1)[0].permute(1, 2, 0).float().numpy()
        linear = seen.photo_from_region[:, :2] * (seen.region.side_px / 2)
        fields = np.concatenate([fields[..., :2] @ linear.T.astype(np.float32), fields[..., 2:]], -1)
        return self._spread(seen, fields, cv2.INTER_LINEAR)

    def _spread(self, seen: _Seen, fields: Fields, way: int) -> Fields:
        matrix = seen.photo_from_region.copy()
        matrix[:, 2] -= self._corner
        height, width = self._mask.shape[:2]
        return np.asarray(
            cv2.warpAffine(np.ascontiguousarray(fields), matrix, (width, height), flags=way), np.float32
        )

    def _inside(self, seen: _Seen) -> NDArray[np.bool_]:
        ones = np.ones((seen.region.side_px, seen.region.side_px), np.float32)
        return np.asarray(self._spread(seen, ones, cv2.INTER_LINEAR) > 0.999)


def face_mask(points: Float64[np.ndarray, "K 2"], shape: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W): 1 on the face, fading to 0 within the landmarks' hull grown by 15 % of the face's width."""
    hull = cv2.convexHull(points[:68].astype(np.float32))[:, 0]
    width = float(np.hypot(*(points[16] - points[0])))
    grown = max(_GROWN * width, 1.0)
    low = np.clip(np.floor(hull.min(0) - grown - 2), 0, None).astype(int)
    high = np.minimum(np.ceil(hull.max(0) + grown + 3), np.array(shape[::-1])).astype(int)
    mask = np.zeros(shape, np.float32)
    if (high <= low).any():
        return mask
    inside = np.zeros((high - low)[::-1], np.uint8)
    cv2.fillConvexPoly(inside, np.round(hull - low).astype(np.int32), 1)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    mask[low[1] : high[1], low[0] : high[0]] = np.clip((grown - away) / max(_SOFT * width, 1.0), 0, 1)
    return mask


def _seen_half(
    model: ProcessingModel,
    name: str,
    pixels: NDArray[np.uint8],
    points: NDArray[np.float64],
    light: NDArray[np.float32],
) -> _SeenHalf:
    network, half = model.network_of(name), HALVES[name]

    def seen(region: Region, *, closely: bool) -> _Seen:
        matrix = region_of(points, region)
        picture = np.minimum(cut(pixels, matrix, region.side_px).astype(np.float32) / 255 * light, 1)
        shown = np.concatenate([picture, contours(points, matrix, region)], -1)
        mover = network.fine if closely else network.coarse
        features = mover.features(torch.from_numpy(shown).permute(2, 0, 1)[None])
        return _Seen(region=region, photo_from_region=matrix, features=features)

    return _SeenHalf(
        name=name,
        network=network,
        coarse=seen(half.coarse, closely=False),
        fine={fine: seen(region, closely=True) for fine, region in half.fine.items()},
    )
