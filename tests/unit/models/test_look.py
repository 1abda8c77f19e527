"""Frames of characters: passes, sizes, landmarks, views, and which parameter shows where."""

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from facewright_models.errors import (
    ParameterRangeError,
    RenderUnavailableError,
    UnknownParameterError,
    UnknownRigError,
)
from facewright_models.evaluation.detection import detection_rate, evaluate
from facewright_models.landmarks import detect_faces
from facewright_models.look import (
    CharacterRenderer,
    RenderedCharacter,
    Stage,
    View,
    portrait_camera,
)
from facewright_models.look.staging import head_rotation
from facewright_models.rig import BakedRig, Character, load_rig

ALL = frozenset({"color", "labels", "depth", "normals"})
SIZE_PX = 256
FACE, HAIR, BROWS, EYES, NOSE, LIPS, TEETH = (1,), (2,), (3, 4), (5, 6), (7,), (8, 10), (9,)


@pytest.fixture(scope="module")
def renderer(rig: BakedRig) -> Iterator[CharacterRenderer]:
    with CharacterRenderer(rig, size_px=SIZE_PX) as renderer:
        yield renderer


@pytest.fixture(scope="module")
def front(renderer: CharacterRenderer, average: Character) -> RenderedCharacter:
    return renderer.render(average, passes=ALL)


def changed(character: Character, **changes: dict[str, object]) -> Character:
    """The character with some sliders, styles or colours replaced."""
    merged = {kind: {**getattr(character, kind), **values} for kind, values in changes.items()}
    return replace(character, **merged)  # type: ignore[arg-type]


def regions(labels: np.ndarray, classes: tuple[int, ...]) -> np.ndarray:
    return np.isin(labels, classes)


def test_all_passes_have_their_shapes(front: RenderedCharacter) -> None:
    frame = front.frame
    assert frame.color is not None
    assert frame.color.shape == (SIZE_PX, SIZE_PX, 3)
    assert frame.color.dtype == np.uint8
    assert frame.labels is not None
    assert frame.labels.shape == (SIZE_PX, SIZE_PX)
    assert frame.depth is not None
    assert frame.depth.dtype == np.float32
    assert frame.normals is not None
    assert frame.normals.shape == (SIZE_PX, SIZE_PX, 3)
    assert front.landmarks_px.shape == (68, 2)
    assert front.landmarks_visible.shape == (68,)


@pytest.mark.parametrize("name", sorted(ALL))
def test_only_the_asked_passes_come(name: str, renderer: CharacterRenderer, average: Character) -> None:
    rendered = renderer.render(average, passes={name}, size_px=32)
    present = {other for other in ALL if getattr(rendered.frame, other) is not None}
    assert present == {name}
    assert rendered.landmarks_visible.any()


@pytest.mark.parametrize("size_px", [16, 100, 513, 1024])
def test_every_size_is_drawn(size_px: int, renderer: CharacterRenderer, average: Character) -> None:
    rendered = renderer.render(average, size_px=size_px)
    assert rendered.frame.color is not None
    assert rendered.frame.color.shape == (size_px, size_px, 3)


@pytest.mark.parametrize("size_px", [15, 0, -5, 2049])
def test_sizes_out_of_bounds_are_refused(
    size_px: int, renderer: CharacterRenderer, average: Character
) -> None:
    with pytest.raises(ParameterRangeError, match=r"expected 16\.\.2048"):
        renderer.render(average, size_px=size_px)


def test_bad_requests_are_refused_by_name(renderer: CharacterRenderer, average: Character) -> None:
    with pytest.raises(UnknownParameterError, match="unknown pass 'uv'"):
        renderer.render(average, passes={"color", "uv"})
    with pytest.raises(UnknownParameterError, match="no facial action 'smile'"):
        renderer.render(average, expression={"smile": 1.0})
    with pytest.raises(ParameterRangeError):
        renderer.render(changed(average, sliders={"age": float("nan")}))
    with pytest.raises(UnknownRigError):
        renderer.render(replace(average, rig="other"))


@pytest.mark.parametrize(
    "turn", [{"yaw_degrees": 91.0}, {"pitch_degrees": -61.0}, {"yaw_degrees": float("nan")}]
)
def test_a_view_beyond_the_stage_is_refused(turn: dict[str, float]) -> None:
    with pytest.raises(ParameterRangeError, match="expected a number within"):
        View(**turn)


def test_the_face_shows_all_its_classes_where_they_belong(front: RenderedCharacter) -> None:
    labels = front.frame.labels
    assert labels is not None

    def middle(classes: tuple[int, ...]) -> tuple[float, float]:
        rows, columns = np.nonzero(regions(labels, classes))
        return float(rows.mean()), float(columns.mean())

    assert set(np.unique(labels)) >= {0, 1, 2, 3, 4, 5, 6, 7, 8, 10}
    assert middle(HAIR)[0] < middle(BROWS)[0] < middle(EYES)[0] < middle(NOSE)[0] < middle((8,))[0]
    assert middle((8,))[0] < middle((10,))[0]
    # Left and right are the subject's: its left eye is on the picture's right.
    assert middle((5,))[1] > SIZE_PX / 2 > middle((6,))[1]
    assert middle((3,))[1] > SIZE_PX / 2 > middle((4,))[1]


def test_the_head_fills_about_half_of_the_frame_and_stands_in_its_middle(front: RenderedCharacter) -> None:
    depth = front.frame.depth
    assert depth is not None
    drawn = depth > 0
    assert drawn.mean() > 0.4
    # Across the eyes only the head is in the row; left and right of it there is as much background.
    row = drawn[int(front.landmarks_px[36:48, 1].mean())]
    assert abs(float(np.nonzero(row)[0].mean()) - SIZE_PX / 2) < 3
    assert not drawn[0].any()


def test_background_pixels_have_the_background_colour(front: RenderedCharacter) -> None:
    frame = front.frame
    assert frame.color is not None
    assert frame.depth is not None
    np.testing.assert_allclose(frame.color[2, 2], np.array(Stage().background) * 255, atol=1)
    assert (frame.color[frame.depth == 0] == frame.color[2, 2]).all(axis=-1).mean() > 0.98


def test_the_average_face_is_lit_and_skin_coloured(front: RenderedCharacter) -> None:
    frame = front.frame
    assert frame.color is not None
    assert frame.labels is not None
    skin = frame.color[regions(frame.labels, FACE)].mean(0)
    assert skin[0] > skin[1] > skin[2]
    assert 100 < skin[0] < 235


def test_all_landmarks_of_a_frontal_face_are_visible(front: RenderedCharacter) -> None:
    assert front.landmarks_visible.all()
    assert ((front.landmarks_px >= 0) & (front.landmarks_px < SIZE_PX)).all()


def test_landmarks_lie_on_the_parts_that_they_name(front: RenderedCharacter) -> None:
    labels, points = front.frame.labels, front.landmarks_px
    assert labels is not None
    for classes, indices in (((3,), [24]), ((4,), [19]), (NOSE, [30, 33]), (LIPS, [51, 57])):
        rows, columns = np.nonzero(regions(labels, classes))
        pixels = np.stack([columns, rows], 1) + 0.5
        for index in indices:
            assert np.linalg.norm(pixels - points[index], axis=1).min() < 6, index


def test_landmarks_agree_with_what_the_landmark_model_marks(
    renderer: CharacterRenderer, average: Character
) -> None:
    rendered = renderer.render(average, size_px=512)
    assert rendered.frame.color is not None
    (face,) = detect_faces(rendered.frame.color)
    scale = np.linalg.norm(face.landmarks_px[36:42].mean(0) - face.landmarks_px[42:48].mean(0))
    error = np.linalg.norm(face.landmarks_px - rendered.landmarks_px, axis=1) / scale
    assert error.mean() < 0.06


def test_landmarks_scale_with_the_picture(
    renderer: CharacterRenderer, average: Character, front: RenderedCharacter
) -> None:
    double = renderer.render(average, size_px=2 * SIZE_PX)
    np.testing.assert_allclose(double.landmarks_px, 2 * front.landmarks_px, atol=1e-3)


def test_positive_yaw_turns_the_face_to_the_images_right(
    renderer: CharacterRenderer, average: Character, front: RenderedCharacter
) -> None:
    right = renderer.render(average, view=View(yaw_degrees=30.0))
    left = renderer.render(average, view=View(yaw_degrees=-30.0))
    assert right.landmarks_px[30, 0] > front.landmarks_px[30, 0] + 15
    assert left.landmarks_px[30, 0] < front.landmarks_px[30, 0] - 15
    # The average head is symmetric, so the two views mirror each other.
    assert left.landmarks_px[30, 0] == pytest.approx(SIZE_PX - right.landmarks_px[30, 0], abs=1.0)


def test_positive_pitch_turns_the_face_up(
    renderer: CharacterRenderer, average: Character, front: RenderedCharacter
) -> None:
    up = renderer.render(average, view=View(pitch_degrees=25.0))
    assert up.landmarks_px[30, 1] < front.landmarks_px[30, 1] - 10


def test_the_rotation_is_a_rotation_about_the_named_axes() -> None:
    for view in (View(yaw_degrees=33.0, pitch_degrees=-20.0), View(), View(yaw_degrees=-90.0)):
        rotation = head_rotation(view)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1.0)
    forward = np.array([0.0, 0.0, 1.0])
    angle = np.deg2rad(30.0)
    np.testing.assert_allclose(
        head_rotation(View(yaw_degrees=30.0)) @ forward, [np.sin(angle), 0, np.cos(angle)], atol=1e-12
    )
    np.testing.assert_allclose(
        head_rotation(View(pitch_degrees=30.0)) @ forward, [0, np.sin(angle), np.cos(angle)], atol=1e-12
    )


def test_the_far_side_of_a_turned_head_is_hidden(renderer: CharacterRenderer, average: Character) -> None:
    turned = renderer.render(average, view=View(yaw_degrees=80.0))
    visible = turned.landmarks_visible
    # Turned to the image's right, the subject's left side (jaw 9-16, left eye 42-47) faces away.
    assert not visible[42:46].any()
    assert not visible[13:17].any()
    assert visible[[36, 37]].any()
    mirrored = renderer.render(average, view=View(yaw_degrees=-80.0)).landmarks_visible
    assert not mirrored[36:40].any()
    assert mirrored[[44, 45]].any()


@pytest.mark.parametrize(
    ("color", "classes"),
    [("skin", FACE), ("lips", LIPS), ("hair", HAIR), ("brows", BROWS), ("iris", EYES)],
)
def test_a_colour_shows_in_its_region_more_than_anywhere_else(
    color: str,
    classes: tuple[int, ...],
    renderer: CharacterRenderer,
    average: Character,
    front: RenderedCharacter,
) -> None:
    recolored = renderer.render(changed(average, colors={color: (0.1, 0.75, 0.2)}), passes=ALL).frame
    assert recolored.color is not None
    assert front.frame.color is not None
    assert front.frame.labels is not None
    np.testing.assert_array_equal(recolored.labels, front.frame.labels)
    change = np.abs(recolored.color.astype(int) - front.frame.color.astype(int)).mean(-1)
    inside = regions(front.frame.labels, classes)
    assert change[inside].mean() > 6
    other = {"skin": (*FACE, *NOSE, *LIPS, *BROWS, 0), "hair": (*HAIR, *EYES, *FACE, 0)}.get(color, classes)
    outside = ~regions(front.frame.labels, other)
    border = np.zeros_like(inside)
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            border |= np.roll(regions(front.frame.labels, other), step, axis)
    assert change[outside & ~border].mean() < 0.1 * change[inside].mean()


def test_green_lips_are_green(
    renderer: CharacterRenderer, average: Character, front: RenderedCharacter
) -> None:
    frame = renderer.render(changed(average, colors={"lips": (0.1, 0.7, 0.2)})).frame
    assert frame.color is not None
    lips = frame.color[regions(front.frame.labels, LIPS)].astype(float).mean(0)
    assert lips[1] > lips[0]
    assert lips[1] > lips[2]


def test_each_hairstyle_covers_another_area(renderer: CharacterRenderer, average: Character) -> None:
    options = load_rig("anny").schema.styles["hair"].options
    masks = {}
    for option in options:
        labels = renderer.render(changed(average, styles={"hair": option}), passes={"labels"}).frame.labels
        masks[option] = regions(labels, HAIR)
    area = {option: float(mask.mean()) for option, mask in masks.items()}
    assert area["bald"] < 0.002
    assert area["bald"] < area["buzz"] < area["crop"]
    assert area["crop"] < area["afro"]
    assert area["crop"] < area["bob"] < area["straight_long"]
    for first in options:
        for second in options:
            if first < second:
                assert (masks[first] != masks[second]).mean() > 0.004, (first, second)


def test_each_brow_style_and_beard_looks_different(renderer: CharacterRenderer, average: Character) -> None:
    for slot in ("brows", "facial_hair"):
        frames = {}
        for option in load_rig("anny").schema.styles[slot].options:
            color = renderer.render(changed(average, styles={slot: option}), size_px=192).frame.color
            assert color is not None
            frames[option] = color.astype(int)
        for first, a in frames.items():
            for second, b in frames.items():
                if first < second:
                    assert (np.abs(a - b).max(-1) > 12).sum() > 20, (slot, first, second)


def test_expressions_show(renderer: CharacterRenderer, average: Character, front: RenderedCharacter) -> None:
    blinking = renderer.render(
        average, expression={"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, passes={"labels"}
    )
    assert regions(blinking.frame.labels, EYES).sum() < 0.5 * regions(front.frame.labels, EYES).sum()
    opened = renderer.render(average, expression={"jawOpen": 0.8}, passes={"labels"})
    assert regions(opened.frame.labels, TEETH).sum() > regions(front.frame.labels, TEETH).sum() + 30
    assert opened.landmarks_px[57, 1] > front.landmarks_px[57, 1] + 5


def test_depth_is_the_distance_of_the_surface(front: RenderedCharacter, rig: BakedRig) -> None:
    depth = front.frame.depth
    assert depth is not None
    with torch.inference_mode():
        nose = rig.landmarks(torch.full((1, len(rig.schema.continuous_names)), 0.5))[0, 30].numpy()
    column, row, expected = portrait_camera().project(nose[None].astype(float), SIZE_PX)[0]
    assert depth[int(row), int(column)] == pytest.approx(expected, abs=4e-3)
    assert depth[depth > 0].min() > expected - 0.02


def png(rendered: RenderedCharacter) -> bytes:
    assert rendered.frame.color is not None
    stream = io.BytesIO()
    Image.fromarray(rendered.frame.color).save(stream, format="PNG")
    return stream.getvalue()


def test_the_same_character_gives_the_same_png_byte_for_byte(
    renderer: CharacterRenderer, average: Character, front: RenderedCharacter
) -> None:
    renderer.render(
        changed(average, styles={"hair": "straight_long"}), size_px=300
    )  # something else in between
    assert png(renderer.render(average)) == png(front)


def test_missing_parameters_are_drawn_neutral(
    renderer: CharacterRenderer, average: Character, front: RenderedCharacter
) -> None:
    bare = Character(rig="anny", rig_version=average.rig_version)
    assert png(renderer.render(bare)) == png(front)


def test_dlib_finds_the_face_of_random_characters() -> None:
    assert detection_rate(40) >= 0.975


def test_the_evaluation_of_detection_prints_its_bar_and_baseline() -> None:
    report = evaluate(limit=2)
    (row,) = report.rows
    assert (row.n, row.bar) == (2, 0.99)
    assert row.baselines == {"average character": 1.0}
    assert "characters whose face dlib finds" in report.to_text()


NO_DRIVER = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "OpenGL":
            raise ImportError("no libEGL here")
sys.meta_path.insert(0, Blocked())
from facewright_models.errors import RenderUnavailableError
from facewright_models.look import CharacterRenderer
from facewright_models.rig import load_rig
try:
    CharacterRenderer(load_rig("anny"))
except RenderUnavailableError as error:
    print("REFUSED", error.reason, error)
"""


def test_without_a_driver_the_error_names_the_packages() -> None:
    done = subprocess.run([sys.executable, "-c", NO_DRIVER], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"REFUSED {RenderUnavailableError.reason}"), done.stdout + done.stderr
    assert "libegl1" in done.stdout
    assert "libgl1-mesa-dri" in done.stdout
