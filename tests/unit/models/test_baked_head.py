"""A baked head is the rig's head: vertices, normals and landmarks, whatever the expression and the view."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch

from facewright_models.errors import ParameterRangeError
from facewright_models.foundry.sampling import Posed, random_posed
from facewright_models.look import CharacterRenderer, View
from facewright_models.look.baked_head import HeadBaker, visible_parts
from facewright_models.look.character_renderer import PREPARED_HEADS
from facewright_models.look.dress import Pose
from facewright_models.look.dresser import dresser
from facewright_models.look.staging import head_rotation
from facewright_models.rig import BakedRig, Character, RigPart, slider_vector
from facewright_renderer import Mesh
from with_egl import require_egl


@pytest.fixture(scope="module")
def drawn(rig: BakedRig) -> list[Posed]:
    generator = np.random.default_rng(3)
    return [random_posed(rig.schema, generator, turned=1.0) for _ in range(PREPARED_HEADS + 3)]


@pytest.fixture(scope="module")
def renderer(rig: BakedRig) -> Iterator[CharacterRenderer]:
    require_egl()
    with CharacterRenderer(rig, size_px=64, backend="egl") as renderer:
        yield renderer


@pytest.mark.parametrize("active", [0, 1, 6, 52])
def test_vertices_normals_and_landmarks_are_those_of_the_rig(
    active: int, rig: BakedRig, drawn: list[Posed]
) -> None:
    posed, view = drawn[active % 5], View(yaw_degrees=31.0, pitch_degrees=-12.0)
    actions = np.zeros(52, np.float32)
    actions[:active] = np.linspace(0.1, 1.0, active)
    worn: list[Recorder] = []

    def dressed(character: Character, parts: Sequence[RigPart]) -> Recorder:
        worn.append(Recorder(parts))
        return worn[-1]

    head = HeadBaker(rig, dressed).bake(posed.character)
    head.scene(actions, view)
    pose = worn[0].poses[0]
    with torch.inference_mode():
        whole = rig(slider_vector(rig.schema, posed.character)[None], torch.from_numpy(actions)[None])
        marks = rig.pick_landmarks(whole)[0].numpy()
    turned = whole[0].numpy() @ head_rotation(view).T
    np.testing.assert_allclose(head.landmarks(actions, view), marks @ head_rotation(view).T, atol=1e-6)
    shown = visible_parts(rig, posed.character)
    assert {part.name for part in shown} == {*pose.places, *pose.strands}
    for part in shown:
        is_hair = part.name in pose.strands
        points = pose.strands[part.name] @ pose.rotation.T if is_hair else pose.of(part.name)
        # Strands are carried by the moved skin: many strong actions at once turn it more than they follow.
        atol = 5e-3 if is_hair and active > 6 else 1e-6
        np.testing.assert_allclose(points, turned[part.vertices], atol=atol, err_msg=part.name)
        if part.name in pose.places:
            normals = pose.normals[pose.places[part.name]]
            np.testing.assert_allclose(normals, naive_normals(points, part.triangles), atol=2e-4)


class Recorder:
    """A dress that only remembers how it was posed."""

    def __init__(self, parts: Sequence[RigPart]) -> None:
        self.poses: list[Pose] = []

    def meshes(self, pose: Pose) -> tuple[Mesh, ...]:
        self.poses.append(pose)
        return ()


def test_what_never_changes_is_marked_so(rig: BakedRig, drawn: list[Posed]) -> None:
    head = HeadBaker(rig, dresser(rig, texture_px=64)).bake(drawn[0].character)
    for mesh in head.scene(np.zeros(52, np.float32), View()).meshes:
        assert not any(array.flags.writeable for array in (mesh.triangles, mesh.labels))


def naive_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Sums of the triangles' area normals, one triangle after the other, in double precision."""
    points = vertices.astype(np.float64)
    sums = np.zeros_like(points)
    for a, b, c in triangles:
        normal = np.cross(points[b] - points[a], points[c] - points[a])
        sums[[a, b, c]] += normal
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def test_heads_baked_together_are_those_baked_alone(rig: BakedRig, drawn: list[Posed]) -> None:
    baker, still = HeadBaker(rig, dresser(rig, texture_px=64)), np.zeros(52, np.float32)
    together = baker.bake_all([posed.character for posed in drawn[:4]])
    for posed, head in zip(drawn, together, strict=False):
        alone = baker.bake(posed.character).scene(still, View())
        for mesh, other in zip(head.scene(still, View()).meshes, alone.meshes, strict=True):
            np.testing.assert_allclose(mesh.vertices, other.vertices, atol=1e-6)
            np.testing.assert_allclose(mesh.colors, other.colors, atol=1e-6)


def test_characters_are_drawn_right_however_many_there_are(
    renderer: CharacterRenderer, drawn: list[Posed]
) -> None:
    still = np.zeros(52, np.float32)

    def colors() -> list[np.ndarray]:
        return [
            renderer.draw(posed.character, still, view=View(), size_px=64, preset="draft").color
            for posed in drawn
        ]

    for first, again in zip(colors(), colors(), strict=True):
        np.testing.assert_array_equal(first, again)
    assert len({color.tobytes() for color in colors()}) == len(drawn)


def test_prepared_characters_are_drawn_as_others_are(renderer: CharacterRenderer, drawn: list[Posed]) -> None:
    still = np.zeros(52, np.float32)
    plain = renderer.draw(drawn[0].character, still, view=View(), size_px=64).color
    renderer.prepare([])
    renderer.prepare([posed.character for posed in drawn])
    prepared = renderer.draw(drawn[0].character, still, view=View(), size_px=64).color
    assert np.abs(prepared.astype(int) - plain).mean() < 0.01
    with pytest.raises(ParameterRangeError):
        renderer.draw(drawn[0].character, still, view=View(), size_px=16_384)
