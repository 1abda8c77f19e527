"""Frames of the preview rig: textures and strands in both backends, styles, lights, and that a face is found."""

from collections.abc import Iterator
from dataclasses import replace

import flip_evaluator
import numpy as np
import pytest

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.export import export_glb, surfaces
from facewright_models.foundry.sampling import random_posed
from facewright_models.landmarks import detect_faces
from facewright_models.look import CharacterRenderer, Stage, View
from facewright_models.look.baked_head import HeadBaker
from facewright_models.look.dresser import dresser
from facewright_models.look.staging import LIGHTINGS
from facewright_models.rig import BakedRig, Character
from facewright_renderer import compare_images

SIZE_PX = 256
HAIR, TEETH = 2, 9
BACKENDS_FLIP, DRAFT_FLIP = 0.02, 0.10


@pytest.fixture(scope="module")
def renderer(rig: BakedRig) -> Iterator[CharacterRenderer]:
    with CharacterRenderer(rig, size_px=SIZE_PX, texture_px=256, backend="egl") as renderer:
        yield renderer


def frame(renderer: CharacterRenderer, character: Character, **options: object) -> np.ndarray:
    color = renderer.render(character, **options).frame.color  # type: ignore[arg-type]
    assert color is not None
    return color


def labels(renderer: CharacterRenderer, character: Character, **options: object) -> np.ndarray:
    found = renderer.render(character, passes={"labels"}, **options).frame.labels  # type: ignore[arg-type]
    assert found is not None
    return found


def flip_mean(one: np.ndarray, other: np.ndarray) -> float:
    pictures = [color.astype(np.float32) / 255 for color in (one, other)]
    _, mean, _ = flip_evaluator.evaluate(*pictures, "LDR", applyMagma=False)
    return float(mean)


def styled(character: Character, **styles: str) -> Character:
    return replace(character, styles={**character.styles, **styles})


def test_a_portrait_is_the_frame_at_rest_from_the_front(
    renderer: CharacterRenderer, average: Character
) -> None:
    character = styled(average, hair="curls")
    assert np.array_equal(renderer.portrait(character), frame(renderer, character))


def test_two_frames_of_a_character_are_the_same_bytes(
    renderer: CharacterRenderer, average: Character
) -> None:
    first = frame(renderer, average)
    frame(renderer, styled(average, hair="curls", make_up="smoky"))
    assert (frame(renderer, average) == first).all()


def test_both_backends_draw_textures_and_strands_alike(rig: BakedRig, renderer: CharacterRenderer) -> None:
    generator = np.random.default_rng(12)
    with CharacterRenderer(rig, size_px=SIZE_PX, texture_px=256) as reference:
        for _ in range(3):
            posed = random_posed(rig.schema, generator, turned=1.0)
            own, other = (
                frame(one, posed.character, expression=posed.expression, view=posed.view)
                for one in (renderer, reference)
            )
            assert compare_images(own, other).within(mean_difference=0.2, outlier_share=0.001)


def test_both_backends_leave_out_the_same_in_draft(rig: BakedRig, renderer: CharacterRenderer) -> None:
    generator = np.random.default_rng(13)
    with CharacterRenderer(rig, size_px=SIZE_PX, texture_px=256) as reference:
        for _ in range(2):
            posed = random_posed(rig.schema, generator, turned=1.0)
            own, other = (
                one.render(
                    posed.character,
                    expression=posed.expression,
                    view=posed.view,
                    passes={"color", "labels"},
                    preset="draft",
                ).frame
                for one in (renderer, reference)
            )
            assert (own.labels != other.labels).mean() < 2e-4
            assert flip_mean(own.color, other.color) <= BACKENDS_FLIP


def test_draft_looks_like_full(renderer: CharacterRenderer, average: Character) -> None:
    for hair in ("crop", "curls", "straight_long"):
        draft, full = (
            frame(renderer, styled(average, hair=hair), preset=preset) for preset in ("draft", "full")
        )
        assert flip_mean(draft, full) <= DRAFT_FLIP


def test_draft_has_half_the_triangles(rig: BakedRig, average: Character) -> None:
    head = HeadBaker(rig, dresser(rig, texture_px=64)).bake(average)
    still = np.zeros(len(rig.schema.facial_actions), np.float32)
    draft, full = (
        sum(len(mesh.triangles) for mesh in head.scene(still, View(), preset).meshes)
        for preset in ("draft", "full")
    )
    assert draft < 0.5 * full


def test_a_face_is_found_in_random_characters(rig: BakedRig) -> None:
    generator = np.random.default_rng(3)
    with CharacterRenderer(rig, texture_px=256, backend="egl") as large:
        for _ in range(6):
            character = random_posed(rig.schema, generator, turned=0.0).character
            milder = {name: 0.5 + 0.6 * (value - 0.5) for name, value in character.sliders.items()}
            assert len(detect_faces(frame(large, replace(character, sliders=milder)))) == 1


def test_hairstyles_cover_what_their_names_say(renderer: CharacterRenderer, average: Character) -> None:
    options = average.styles | {"facial_hair": "none"}
    area = {
        option: float((labels(renderer, styled(average, **options | {"hair": option})) == HAIR).mean())
        for option in ("bald", "buzz", "crop", "afro", "bob", "straight_long")
    }
    assert area["bald"] < 0.002 < area["buzz"] < area["crop"] < area["afro"]
    assert area["crop"] < area["bob"] < area["straight_long"]


def test_an_open_mouth_shows_teeth(renderer: CharacterRenderer, average: Character) -> None:
    assert (labels(renderer, average) == TEETH).mean() < 0.001
    smiling = labels(
        renderer,
        average,
        expression={"jawOpen": 0.4, "mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
    )
    assert (smiling == TEETH).mean() > 0.003


@pytest.mark.parametrize("slider", ["skin-blush", "skin-freckles", "skin-age-lines", "skin-under-eyes"])
def test_a_slider_of_the_skin_changes_the_face_and_nothing_else(
    renderer: CharacterRenderer, average: Character, slider: str
) -> None:
    changed = replace(average, sliders={**average.sliders, slider: 1.0})
    difference = np.abs(frame(renderer, changed).astype(int) - frame(renderer, average)).max(-1)
    face = np.isin(labels(renderer, average), (0, HAIR), invert=True)
    assert difference[face].max() > 5
    assert difference[labels(renderer, average) == HAIR].mean() < 0.5


def test_every_light_is_another_picture(renderer: CharacterRenderer, average: Character) -> None:
    shown = [frame(renderer, average, view=View(stage=Stage(light=light))).astype(int) for light in LIGHTINGS]
    for index, one in enumerate(shown):
        for other in shown[index + 1 :]:
            assert np.abs(one - other).mean() > 1


def test_the_background_is_the_colour_that_was_asked_for(
    renderer: CharacterRenderer, average: Character
) -> None:
    color = frame(renderer, average, view=View(stage=Stage(background=(1.0, 0.5, 0.0))))
    assert np.abs(color[2, 2].astype(int) - [255, 128, 0]).max() <= 1


def test_lights_and_colours_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UnknownParameterError, match="no light 'moon'; lights: studio"):
        Stage(light="moon")
    with pytest.raises(ParameterRangeError, match=r"a channel of 1\.5"):
        Stage(background=(0.0, 1.5, 0.0))


def test_an_export_carries_painted_textures(
    rig: BakedRig, average: Character, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surfaces, "_TEXTURE_PX", 256)
    content = export_glb(rig, styled(average, hair="buzz"))
    assert content.count(b"\x89PNG") == 4  # skin, its slopes, its roughness, irises
