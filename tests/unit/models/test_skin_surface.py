"""The drawn skin: one step of subdivision as a matrix, and where its places lie in the texture."""

import numpy as np
import pytest

from facewright_models.look.surface import SkinSurface, TexelMap, skin_surface, texel_map
from facewright_models.rig import BakedRig

SIZE_PX = 128


@pytest.fixture(scope="module")
def surface(rig: BakedRig) -> SkinSurface:
    return skin_surface(rig)


@pytest.fixture(scope="module")
def texels(rig: BakedRig) -> TexelMap:
    return texel_map(rig, SIZE_PX)


def test_there_are_four_quads_for_one(rig: BakedRig, surface: SkinSurface) -> None:
    skin = rig.parts[0]
    assert len(surface.triangles) == 4 * len(skin.triangles) == len(surface.labels)


def test_a_shifted_skin_is_the_shifted_surface(rig: BakedRig, surface: SkinSurface) -> None:
    count = surface.refine.shape[1]
    assert np.allclose(surface.vertices(np.ones((count, 3), np.float32)), 1, atol=1e-5)


def test_labels_keep_their_places(rig: BakedRig, surface: SkinSurface) -> None:
    """The lips of the fine surface lie where the rig's do."""
    assert set(np.unique(surface.labels)) == set(np.unique(rig.parts[0].labels))
    middle = surface.rest[surface.triangles].mean(1)
    upper, lower = (middle[surface.labels == label].mean(0) for label in (8, 10))
    assert upper[1] > lower[1]
    assert abs(upper[0]) < 2e-3


def test_the_surface_is_smoother_than_the_rig(rig: BakedRig, surface: SkinSurface) -> None:
    """The median angle between neighbouring triangles' normals is at most two thirds of the rig's."""
    assert _bend(surface.rest, surface.triangles) < 0.67 * _bend(*_skin(rig))


def test_no_quad_crosses_the_texture(surface: SkinSurface) -> None:
    """Quads on the head's axis, at the crown and in the throat, are wide wherever the seam is."""
    middle = surface.rest[surface.quads].mean(1)
    below = np.hypot(middle[:, 0], middle[:, 2] - 0.015) > 0.01
    assert np.ptp(surface.uv[surface.quads[below]][..., 0], axis=1).max() < 0.5
    assert surface.uv.min() >= 0
    assert surface.uv[:, 1].max() <= 1


def test_a_texel_shows_the_place_that_has_its_coordinates(surface: SkinSurface, texels: TexelMap) -> None:
    found = texels.sample(surface.uv)
    row, column = np.indices((SIZE_PX, SIZE_PX))
    wanted = np.stack([(column + 0.5) / SIZE_PX, 1 - (row + 0.5) / SIZE_PX], -1)
    apart = np.abs(found - wanted)
    apart[..., 0] = np.minimum(apart[..., 0], np.abs(apart[..., 0] - 1))  # beyond the seam
    assert np.median(apart * SIZE_PX) < 0.6
    assert (apart.max(-1) * SIZE_PX < 1.5).mean() > 0.9


def test_the_outermost_fold_is_painted(surface: SkinSurface, texels: TexelMap) -> None:
    """Where lids lie over the sockets' pockets, texels show the lids."""
    place = texels.sample(surface.rest)
    lids = texels.sample(surface.channel("eyelid")) > 0.5
    assert lids.any()
    assert place[lids][:, 2].min() > 0.04


def test_both_sides_of_the_face_get_the_same_room(texels: TexelMap, surface: SkinSurface) -> None:
    x = texels.sample(surface.rest)[..., 0]
    assert abs((x > 0).mean() - 0.5) < 0.01


def _skin(rig: BakedRig) -> tuple[np.ndarray, np.ndarray]:
    import torch

    with torch.inference_mode():
        vertices = rig(torch.full((1, len(rig.schema.continuous_names)), 0.5))[0].numpy()
    return vertices[rig.parts[0].vertices], rig.parts[0].triangles


def _bend(points: np.ndarray, triangles: np.ndarray) -> float:
    corners = points[triangles].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, 1)], 2).reshape(-1, 2), 1)
    order = np.lexsort(ends.T)
    sorted_ends, owner = ends[order], np.repeat(np.arange(len(triangles)), 3)[order]
    same = np.flatnonzero((sorted_ends[1:] == sorted_ends[:-1]).all(1))
    cosine = (normals[owner[same]] * normals[owner[same + 1]]).sum(1)
    return float(np.median(np.arccos(np.clip(cosine, -1, 1))))
