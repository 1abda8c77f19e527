"""Adds background and hair to the label map of a studio photo whose facial parts are labelled already.

The backdrop is what continues, with the smooth colour of the picture's margin, from its upper edge. Hair is what
stands before the backdrop outside the face and has the colours found above the forehead rather than those of the
skin. Neck and clothes count as background. Ears, wisps, shadows and everything else that colour cannot settle stay
unlabelled: a missing label costs little, a wrong one teaches an error.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from facewright_models.parsing.classes import IGNORE, FaceClass

__all__ = ["backdrop_opacity", "complete_labels", "studio_background"]

_Labels = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class _Head:
    """Where the labelled parts lie, in pixels."""

    brow_y: float
    eye_y: float
    mouth_y: float
    chin_y: float
    face_top: float
    centre_x: float
    width: float


def complete_labels(pixels: _Labels, labels: _Labels) -> _Labels:
    """The label map with background (0) and hair (2) filled in where they are certain.

    `pixels` (H, W, 3) uint8 sRGB of a frontal portrait before a plain backdrop; `labels` (H, W) uint8, the facial
    parts, IGNORE elsewhere. Facial parts stay as they are, but for hair that hangs over the face.
    """
    lab = _lab(pixels)
    inside = labels != IGNORE
    head = _measure(labels)
    backdrop = studio_background(pixels, labels)
    unsure = _unsure_margin(lab, backdrop)
    rows, columns = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]]
    offset = np.abs(columns - head.centre_x) / head.width  # 0.5 = edge of the face

    cheeks = cv2.erode((labels == FaceClass.FACE).astype(np.uint8), _disc(9)) > 0
    cheeks &= (rows > head.eye_y) & (rows < head.mouth_y)
    skin_distance = _ColorModel(lab[cheeks]).distance(lab)
    gleam = (
        lab[..., 0] > float(np.median(lab[cheeks][:, 0])) + 6.0
    )  # brighter than the cheeks: lit skin as well

    result = labels.copy()
    result[backdrop] = FaceClass.BACKGROUND
    body = ~backdrop & ~unsure & ~inside
    outside = ~cv2.dilate(inside.astype(np.uint8), _disc(5)).astype(bool)
    crown = outside & body & (rows < head.brow_y) & (offset < 0.8)
    seed = crown & (skin_distance > 3.0)
    if _covered_with_hair(crown, (skin_distance > 2.0) & ~gleam, head):
        colors = lab[seed] if seed.sum() > 0.02 * head.width**2 else lab[crown & (rows < head.face_top)]
        hair_distance = _ColorModel(colors).distance(lab)
        throat = (rows > head.mouth_y) & (offset < 0.5)
        hair = (hair_distance < 2.6) & (skin_distance > hair_distance + 0.8)
        hair |= (
            crown
            & (hair_distance < 4.5)
            & ((skin_distance > 1.8) | (rows < head.face_top - 0.03 * head.width))
        )
        hair = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_OPEN, _disc(3)) > 0
        fringe = (labels == FaceClass.FACE) & (rows < head.brow_y - 4) & (skin_distance > 2.2)
        fringe &= (hair_distance < skin_distance) & ~gleam
        hair = _touching(
            (hair & body & ~throat & (rows < head.chin_y + 1.2 * head.width)) | (fringe & hair), crown
        )
        hair = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_CLOSE, _disc(5)) > 0
        hair &= (body & ~throat) | fringe
        result[fringe] = IGNORE
        not_hair = hair_distance > np.minimum(skin_distance + 1.5, 4.5)
    else:
        hair = np.zeros_like(inside)
        not_hair = rows > head.chin_y
    throat = (rows > head.chin_y) & (offset < 0.35)
    behind_jaw = (rows > head.mouth_y) & (offset < 0.5) & not_hair
    clothes = rows > head.chin_y + 0.35 * head.width
    result[body & ~hair & (throat | behind_jaw | ((clothes | (rows > head.chin_y)) & not_hair))] = (
        FaceClass.BACKGROUND
    )
    result[hair] = FaceClass.HAIR
    # A thin unlabelled seam where two regions meet: the true edge lies somewhere within it.
    edges = cv2.morphologyEx(result, cv2.MORPH_GRADIENT, _disc(3)) > 0
    derived = np.isin(result, (FaceClass.BACKGROUND, FaceClass.HAIR)) & ~inside
    result[edges & derived & ~backdrop] = IGNORE
    return result


def _covered_with_hair(crown: _Mask, unlike_skin: _Mask, head: _Head) -> bool:
    """False for a bald or shaved head: most of what shows above the face looks like lit skin."""
    rows = np.arange(crown.shape[0])[:, None]
    above = crown & (rows < head.face_top)
    if above.sum() < 0.01 * head.width**2:
        return False
    return float(unlike_skin[above].mean()) > 0.4


def studio_background(pixels: _Labels, labels: _Labels) -> _Mask:
    """(H, W) True where the plain backdrop surely is: near the margin's smooth colour, connected to the top edge."""
    distance = _backdrop_distance(_lab(pixels), labels)
    head = _measure(labels)
    height = labels.shape[0]
    rows = np.arange(height)[:, None]
    near = (distance < 9.0) & (labels == IGNORE) & (rows < head.chin_y + 0.35 * head.width)
    near = cv2.morphologyEx(near.astype(np.uint8), cv2.MORPH_OPEN, _disc(3)) > 0
    top = np.zeros_like(near)
    top[: max(2, height // 100)] = True
    return np.asarray(cv2.erode(_touching(near, top & near).astype(np.uint8), _disc(3)), dtype=np.bool_)


def backdrop_opacity(pixels: _Labels, labels: _Labels) -> _Floats:
    """(H, W) in [0, 1]: 0 on the plain backdrop, 1 on the person, between them in wisps and along edges."""
    backdrop = studio_background(pixels, labels)
    near = cv2.dilate(backdrop.astype(np.uint8), _disc(15)) > 0
    opacity = np.clip((_backdrop_distance(_lab(pixels), labels) - 4.0) / 16.0, 0.0, 1.0)
    opacity[~near | (labels != IGNORE)] = 1.0
    opacity[cv2.erode(backdrop.astype(np.uint8), _disc(3)) > 0] = 0.0
    return np.asarray(opacity, dtype=np.float32)


def _backdrop_distance(lab: _Floats, labels: _Labels) -> _Floats:
    """How far each colour is from what the backdrop, continued from the picture's margin, would have there."""
    height, width = labels.shape
    head = _measure(labels)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    margin = (rows < 0.03 * height) | (
        ((columns < 0.06 * width) | (columns > 0.94 * width)) & (rows < head.eye_y)
    )
    surface = _smooth_surface(lab, margin)
    squared = ((lab - surface) ** 2 * np.array([0.5, 1, 1], np.float32)).sum(-1)
    return np.asarray(np.sqrt(squared), dtype=np.float32)


def _smooth_surface(lab: _Floats, where: _Mask) -> _Floats:
    """A quadratic in x and y through the colours at `where`, fitted twice so that strays drop out."""
    height, width = where.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)
    keep = where.copy()
    surface = np.zeros_like(lab)
    for _ in range(3):
        solution = np.linalg.lstsq(terms[keep], lab[keep], rcond=None)[0]
        surface = terms @ solution
        residual = np.sqrt(((lab - surface) ** 2).sum(-1))
        keep = where & (residual < max(3.0, 2.0 * float(np.median(residual[where]))))
    return surface.astype(np.float32)


def _unsure_margin(lab: _Floats, backdrop: _Mask) -> _Mask:
    """A band along the backdrop's edge, and whatever thin or backdrop-coloured things reach into it."""
    band = cv2.dilate(backdrop.astype(np.uint8), _disc(3)) > 0
    colour = np.median(lab[backdrop], axis=0) if backdrop.any() else np.zeros(3, np.float32)
    faint = np.sqrt(((lab - colour) ** 2 * np.array([0.3, 1, 1], np.float32)).sum(-1)) < 14.0
    nearby = cv2.dilate(backdrop.astype(np.uint8), _disc(41)) > 0
    return np.asarray(~backdrop & (band | (faint & nearby)), dtype=np.bool_)


class _ColorModel:
    """A few Gaussian clusters in Lab; `distance` is the least Mahalanobis distance to any of them."""

    def __init__(self, colors: _Floats, clusters: int = 4) -> None:
        sample = colors[:: max(1, len(colors) // 4000)].astype(np.float32)
        criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 30, 0.5)
        cv2.setRNGSeed(0)
        flags = cv2.KMEANS_PP_CENTERS
        _, assigned, _ = cv2.kmeans(
            sample, clusters, np.zeros((len(sample), 1), np.int32), criteria, 2, flags
        )
        self._clusters: list[tuple[_Floats, _Floats]] = []
        for index in range(clusters):
            members = sample[assigned[:, 0] == index]
            if len(members) < 0.04 * len(sample):
                continue
            covariance = np.cov(members.T) + np.diag([25.0, 6.0, 6.0])
            whitening = np.linalg.cholesky(np.linalg.inv(covariance)).astype(np.float32)
            self._clusters.append((members.mean(0), whitening))

    def distance(self, lab: _Floats) -> _Floats:
        smooth = cv2.bilateralFilter(lab, 5, 12.0, 3.0)
        each = [np.linalg.norm((smooth - mean) @ whitening, axis=-1) for mean, whitening in self._clusters]
        return np.asarray(np.min(each, axis=0), dtype=np.float32)


def _measure(labels: _Labels) -> _Head:
    def middle_y(*classes: FaceClass) -> float:
        rows = np.nonzero(np.isin(labels, classes))[0]
        return float(rows.mean()) if len(rows) else float(labels.shape[0]) / 2

    rows, columns = np.nonzero(labels != IGNORE)
    return _Head(
        brow_y=middle_y(FaceClass.LEFT_BROW, FaceClass.RIGHT_BROW),
        eye_y=middle_y(FaceClass.LEFT_EYE, FaceClass.RIGHT_EYE),
        mouth_y=middle_y(FaceClass.UPPER_LIP, FaceClass.LOWER_LIP),
        chin_y=float(rows.max()),
        face_top=float(rows.min()),
        centre_x=float(columns.min() + columns.max()) / 2,
        width=float(columns.max() - columns.min()),
    )


def _touching(mask: _Mask, seed: _Mask) -> _Mask:
    """The connected parts of `mask` that hold a pixel of `seed`."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    keep = np.unique(parts[mask & seed])
    return np.isin(parts, keep[keep > 0])


def _lab(pixels: _Labels) -> _Floats:
    smooth = cv2.GaussianBlur(pixels, (0, 0), 0.8)
    return np.asarray(cv2.cvtColor(smooth.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB))


def _disc(size: int) -> npt.NDArray[np.uint8]:
    kernel: npt.NDArray[np.uint8] = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return kernel
