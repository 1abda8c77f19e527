"""What of the skin is drawn: no cracks between coarse and fine, the same surface, nothing missing that can be seen."""

import numpy as np
import pytest

from facewright_models.look.skin_detail import DrawnSkin, drawn_skin
from facewright_models.look.surface import SkinSurface, skin_surface
from facewright_models.rig import BakedRig


@pytest.fixture(scope="module")
def surface(rig: BakedRig) -> SkinSurface:
    return skin_surface(rig)


@pytest.fixture(scope="module")
def draft(rig: BakedRig) -> DrawnSkin:
    return drawn_skin(rig, "draft")


def test_full_draws_every_triangle_of_the_surface_but_the_eye_sockets(
    rig: BakedRig, surface: SkinSurface
) -> None:
    full = drawn_skin(rig, "full")
    drawn = {tuple(row) for row in full.rows[full.triangles].tolist()}
    missing = [row for row in surface.triangles.tolist() if tuple(row) not in drawn]
    assert len(drawn) + len(missing) == len(surface.triangles)
    assert 1000 < len(missing) < 4000
    assert surface.openness[np.unique(missing)].max() < 0.1


def test_draft_draws_half_of_them(rig: BakedRig, draft: DrawnSkin) -> None:
    assert len(draft.triangles) < 0.5 * len(drawn_skin(rig, "full").triangles)


@pytest.mark.parametrize("preset", ["draft", "full"])
def test_vertices_texture_and_labels_are_those_of_the_surface(
    rig: BakedRig, surface: SkinSurface, preset: str
) -> None:
    drawn = drawn_skin(rig, preset)  # type: ignore[arg-type]
    np.testing.assert_allclose(drawn.refine @ rig.average("skin"), surface.rest[drawn.rows], atol=1e-6)
    np.testing.assert_array_equal(drawn.uv, surface.uv[drawn.rows])
    middle = surface.rest[drawn.rows][drawn.triangles].mean(1)
    upper, lower = (middle[drawn.labels == label].mean(0) for label in (8, 10))
    assert upper[1] > lower[1]


def test_where_coarse_and_fine_meet_there_are_no_cracks(surface: SkinSurface, draft: DrawnSkin) -> None:
    """An edge that only one triangle has is an edge of the whole surface, or of the sockets, which are in the dark."""
    _, places = np.unique(surface.rest, axis=0, return_inverse=True)
    places = places.ravel()

    def lonely(triangles: np.ndarray) -> set[tuple[int, int]]:
        corners = places[triangles]
        edges = np.sort(corners[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        found, counts = np.unique(edges, axis=0, return_counts=True)
        return {tuple(edge) for edge in found[counts == 1].tolist()}

    dark = set(places[surface.openness < 0.12].tolist())
    ends = {place for edge in lonely(surface.triangles) for place in edge}
    cracks = [
        edge
        for edge in lonely(draft.rows[draft.triangles])
        if not set(edge) <= dark and not set(edge) <= ends
    ]
    assert not cracks


def test_vertices_come_in_the_order_of_their_use(draft: DrawnSkin) -> None:
    used, first = np.unique(draft.triangles, return_index=True)
    np.testing.assert_array_equal(used, np.arange(len(draft.rows)))
    assert (np.diff(first) > 0).all()
