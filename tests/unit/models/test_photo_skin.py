"""The bake of a person's skin, from frames of our own: painted, drawn, and taken off again."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from facewright_models.look import CharacterRenderer, Stage, View
from facewright_models.look.baked_head import HeadBaker
from facewright_models.look.dresser import dresser
from facewright_models.look.own_skin import bare_paint
from facewright_models.look.shading import left_by_hair
from facewright_models.look.skin import skin_paint
from facewright_models.look.skin_texture import paint_skin, skin_marks
from facewright_models.look.surface import skin_surface, texel_map
from facewright_models.parsing.classes import FaceClass
from facewright_models.photo_skin import FRAME_PX, FacePhoto, bake_skin
from facewright_models.photo_skin.baking import filled
from facewright_models.photo_skin.projection import face_window, project_texels, sampled
from facewright_models.photo_skin.regions import believed, fringe
from facewright_models.photo_skin.relighting import averaged, flattened_light
from facewright_models.rig import (
    BakedRig,
    Character,
    SkinTexture,
    neutral_character,
    validate_character,
)
from facewright_renderer import create_renderer
from with_egl import require_egl

TEXTURE_PX = 512
EXPRESSION = {"mouthSmileLeft": 0.4, "mouthSmileRight": 0.4, "jawOpen": 0.05}
TURNED = View(yaw_degrees=9.0, pitch_degrees=3.0)
Pixels = np.ndarray


@pytest.fixture(scope="module")
def person(rig: BakedRig) -> Character:
    """Not the average: a wide nose and a long chin, bald and shaved, so that only skin is seen."""
    neutral = neutral_character(rig.schema)
    chosen = {
        name: 0.5 + 0.35 * math.sin(3 * i) for i, name in enumerate(rig.schema.continuous_names) if i < 40
    }
    styles = {**neutral.styles, "hair": "bald", "facial_hair": "none", "make_up": "none"}
    return validate_character(
        rig.schema, replace(neutral, sliders={**neutral.sliders, **chosen}, styles=styles)
    )


@pytest.fixture(scope="module")
def painted(rig: BakedRig, person: Character) -> Pixels:
    """(TEXTURE_PX, TEXTURE_PX, 3) the painted skin with a pattern that no skin has, and no two sides alike."""
    skin = paint_skin(skin_marks(rig, TEXTURE_PX), bare_paint(skin_paint(person))).astype(float)
    row, column = np.indices(skin.shape[:2]) / TEXTURE_PX
    red = 14 * np.sin(110 * column) * np.cos(100 * row)
    dark = 10 * np.sin(100 * column + 120 * row)
    return np.clip(skin + np.stack([red + dark, dark, dark - 0.5 * red], -1), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def renderer(rig: BakedRig) -> Iterator[CharacterRenderer]:
    require_egl()
    with CharacterRenderer(rig, texture_px=TEXTURE_PX, backend="egl") as renderer:
        yield renderer


def wearing(person: Character, pixels: Pixels) -> Character:
    return replace(person, skin_texture=SkinTexture(sha256="0" * 64, pixels=pixels))


def photo_of(
    renderer: CharacterRenderer, character: Character, *, light: str = "soft", view: View = TURNED
) -> FacePhoto:
    """What a perfect fit would know of a frame."""
    drawn = renderer.render(
        character,
        expression=EXPRESSION,
        view=replace(view, stage=Stage(light=light)),
        size_px=1024,
        passes={"color", "labels"},
    )
    color, labels = drawn.frame.color, drawn.frame.labels
    assert color is not None
    assert labels is not None
    return FacePhoto(
        pixels=color,
        probabilities=np.eye(11, dtype=np.float32)[labels[2::4, 2::4]],
        marks=drawn.landmarks_px / 2,
        expected=drawn.landmarks_px / 2,
        view=view,
        expression=EXPRESSION,
    )


def unlit_frame(rig: BakedRig, character: Character) -> Pixels:
    """(1024, 1024, 3) of the posed character without lights but an even, full ambient one."""
    head = HeadBaker(rig, dresser(rig, texture_px=TEXTURE_PX)).bake(character)
    actions = np.array([EXPRESSION.get(name, 0.0) for name in rig.schema.facial_actions], np.float32)
    scene = replace(head.scene(actions, TURNED), lights=(), ambient=1.0)
    gl = create_renderer("egl")
    try:
        color = gl.render(scene, size_px=1024, passes={"color"}, preset="full").color
    finally:
        gl.close()
    assert color is not None
    return color


def test_texels_that_a_frame_shows_are_found_in_it_with_the_colours_that_were_painted(
    rig: BakedRig, person: Character, painted: Pixels, renderer: CharacterRenderer
) -> None:
    character = wearing(person, painted)
    texels, window = texel_map(rig, TEXTURE_PX), face_window(TEXTURE_PX)
    photo = replace(photo_of(renderer, character), pixels=unlit_frame(rig, character))
    found = project_texels(rig, person, photo, texels, window)
    surface = skin_surface(rig)
    open_to_light = surface.openness * (surface.refine @ left_by_hair(rig, rig.part("skin"), person))
    shade = 0.30 + 0.70 * sampled(texels, window, open_to_light.astype(np.float32))
    sky = 0.75 + 0.25 * found.normals[..., 1]
    back = found.of_photo(photo.pixels) / 255 / (shade * sky)[..., None] ** (1 / 2.2)
    worn = CharacterTexels(rig, character).of(window)
    seen = found.is_seen & (found.facing > 0.5) & CharacterTexels.is_plain_skin(rig, window)
    off = np.abs(back - worn)[seen]
    assert seen.mean() > 0.20
    assert off.mean() < 0.015  # four steps of 255: a texel is about a pixel, and both are blurred once
    assert np.quantile(off, 0.95) < 0.06


class CharacterTexels:
    """The texture that a character is drawn with."""

    def __init__(self, rig: BakedRig, character: Character) -> None:
        from facewright_models.look.skin import skin_texture

        self._pixels = skin_texture(rig, character, texture_px=TEXTURE_PX).astype(np.float32) / 255

    def of(self, window: object) -> Pixels:
        return self._pixels[window.rows, window.columns]  # type: ignore[attr-defined]

    @staticmethod
    def is_plain_skin(rig: BakedRig, window: object) -> Pixels:
        """Away from eyes, lips, folds and brows, whose own geometry covers or shades skin."""
        surface, texels = skin_surface(rig), texel_map(rig, TEXTURE_PX)
        lip, openness = (sampled(texels, window, v) for v in (surface.channel("lip"), surface.openness))  # type: ignore[arg-type]
        y = sampled(texels, window, surface.rest)[..., 1]  # type: ignore[arg-type]
        return (lip < 0.02) & (openness > 0.75) & (y < -0.025)


def test_a_bake_gives_the_painted_skin_back_where_the_photo_shows_it(
    rig: BakedRig, person: Character, painted: Pixels, renderer: CharacterRenderer
) -> None:
    character = wearing(person, painted)
    window = face_window(TEXTURE_PX)
    worn = CharacterTexels(rig, character).of(window)
    photo = photo_of(renderer, character)
    baked = bake_skin(rig, person, photo, size_px=TEXTURE_PX)[window.rows, window.columns]
    texels = texel_map(rig, TEXTURE_PX)
    found = project_texels(rig, person, photo, texels, window)
    plain = CharacterTexels(rig, person).of(window)
    middle = believed(rig, person, photo, found, texels, window) > 0.9
    assert middle.mean() > 0.15
    middle &= CharacterTexels.is_plain_skin(rig, window)
    off, before = (np.abs(skin - worn)[middle].mean() for skin in (baked / 255, plain))
    assert off < 0.85 * before  # what is broad counts as light, so only the pattern comes back
    assert off < 0.03
    everywhere = np.ones(middle.shape, np.float32)
    fine, fine_worn = (
        (image - averaged(image.astype(np.float32), everywhere, 8.0))[middle] for image in (baked / 255, worn)
    )
    assert np.corrcoef(fine.mean(-1), fine_worn.mean(-1))[0, 1] > 0.8
    assert np.corrcoef(fine.ravel(), fine_worn.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("light", ["dramatic", "sunset"])
def test_light_from_one_side_does_not_stay_in_the_skin(
    rig: BakedRig, person: Character, renderer: CharacterRenderer, light: str
) -> None:
    photo = photo_of(renderer, person, light=light, view=View())
    window = face_window(TEXTURE_PX)
    cheeks = (slice(220, 290), slice(160, 220))
    other = (cheeks[0], slice(TEXTURE_PX - 220, TEXTURE_PX - 160))
    found = project_texels(rig, person, photo, texel_map(rig, TEXTURE_PX), window)
    lit = np.zeros((TEXTURE_PX, TEXTURE_PX, 3), np.float32)
    lit[window.rows, window.columns] = found.of_photo(photo.pixels)
    baked = bake_skin(rig, person, photo, size_px=TEXTURE_PX).astype(float)
    sides = [
        np.abs(np.log(image[cheeks].mean((0, 1)) / image[other].mean((0, 1)))).max() for image in (lit, baked)
    ]
    assert sides[0] > 0.25
    assert sides[1] < 0.04


def test_the_mean_of_a_baked_skin_is_the_characters_own_colour(
    rig: BakedRig, person: Character, renderer: CharacterRenderer
) -> None:
    photo = photo_of(renderer, person, light="daylight")
    reddish = replace(photo, pixels=np.clip(photo.pixels * [1.15, 0.95, 0.8], 0, 255).astype(np.uint8))
    baked = bake_skin(rig, person, reddish, size_px=TEXTURE_PX)
    plain = paint_skin(skin_marks(rig, TEXTURE_PX), bare_paint(skin_paint(person)))
    face = (slice(82, 297), slice(133, 379))
    assert np.allclose(baked[face].mean((0, 1)), plain[face].mean((0, 1)), atol=2.0)


def test_what_is_hidden_on_one_side_is_taken_from_the_other_in_the_tone_of_its_own() -> None:
    generator = np.random.default_rng(3)
    pattern = np.repeat(generator.normal(0, 0.1, (120, 60, 1)), 3, 2).astype(np.float32)
    ratio = np.concatenate([pattern, np.zeros_like(pattern)], 1)
    weight = np.zeros((120, 120), np.float32)
    weight[20:100, 15:55] = 1
    result = filled(ratio, weight)
    assert np.allclose(result[20:100, 15:55], ratio[20:100, 15:55], atol=1e-4)
    mirrored = ratio[:, ::-1][30:90, 70:100]
    assert np.corrcoef(result[30:90, 70:100, 0].ravel(), mirrored[..., 0].ravel())[0, 1] > 0.95


def test_a_fill_meets_the_photo_without_a_step() -> None:
    ratio = np.full((160, 160, 3), 0.2, np.float32)
    weight = np.zeros((160, 160), np.float32)
    weight[40:120, 40:120] = 1
    result = filled(ratio, weight)[80, :, 0]
    assert result[80] == pytest.approx(0.2, abs=1e-3)
    assert np.abs(np.diff(result)).max() < 0.03


def test_a_photo_that_shows_no_skin_at_all_leaves_the_painted_one() -> None:
    result = filled(np.ones((64, 64, 3), np.float32), np.zeros((64, 64), np.float32))
    assert np.isfinite(result).all()
    assert np.abs(result).max() < 1e-3


def test_the_light_of_a_lambertian_head_is_found() -> None:
    across, up = np.meshgrid(np.linspace(-0.8, 0.8, 121), np.linspace(-0.55, 0.55, 90))
    normals = np.stack([across, up, np.sqrt(1 - across**2 - up**2)], -1).astype(np.float32)
    skin = np.full((90, 121, 3), np.log(0.3), np.float32)
    light = np.log(0.3 + 0.7 * np.clip(normals @ np.array([-0.6, 0.4, 0.69]), 0, 1))[..., None]
    everywhere = np.ones((90, 121), np.float32)
    flat = flattened_light((skin + light).astype(np.float32), skin, normals, everywhere, everywhere)
    assert light.std() > 0.2
    assert (flat - flat.mean()).std() < 0.04


def test_behind_glasses_the_photo_is_not_believed(
    rig: BakedRig, person: Character, renderer: CharacterRenderer
) -> None:
    photo = photo_of(renderer, person, view=View())
    plain = bake_skin(rig, person, photo, size_px=TEXTURE_PX)
    eyes = photo.marks[36:48].mean(0)
    rows, columns = (round(2 * eyes[axis]) for axis in (1, 0))
    pixels = photo.pixels.copy()
    pixels[rows - 22 : rows + 34, columns - 150 : columns + 150] = (10, 200, 30)
    worn = bake_skin(rig, person, replace(photo, pixels=pixels, wears_glasses=True), size_px=TEXTURE_PX)
    assert np.abs(worn.astype(float) - plain).mean((0, 1)).max() < 2.0
    assert (worn[..., 1].astype(int) - worn[..., 0]).max() < 10


@pytest.mark.parametrize(("hair", "is_found"), [((30, 22, 18), True), ((196, 158, 132), False)])
def test_a_fringe_is_found_where_its_colour_is_none_of_skin(
    hair: tuple[int, int, int], is_found: bool
) -> None:
    generator = np.random.default_rng(2)
    pixels = np.full((FRAME_PX, FRAME_PX, 3), (200, 160, 135), float)
    shares = np.zeros((FRAME_PX, FRAME_PX, 11), np.float32)
    shares[..., FaceClass.FACE] = 1
    shares[:120] = np.eye(11, dtype=np.float32)[FaceClass.HAIR]
    pixels[:190] = hair  # down to over the brows; the parser knows of the upper part only
    marks = np.zeros((68, 2))
    marks[:, 0] = 256
    marks[17:27, 1], marks[36:48, 1], marks[48:68, 1] = 205, 240, 360
    photo = FacePhoto(
        pixels=np.clip(pixels + generator.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8),
        probabilities=shares,
        marks=marks,
        expected=marks,
        view=View(),
        expression={},
    )
    found = fringe(photo, shares)
    assert found[130:180].mean() == pytest.approx(1.0 if is_found else 0.0, abs=0.02)
    assert not found[196:].any()


def test_positions_are_in_the_frame_that_fits_use() -> None:
    from facewright_models.fitting.alignment import FRAME_PX as FIT_FRAME_PX

    assert FRAME_PX == FIT_FRAME_PX
    assert FaceClass.FACE == 1
