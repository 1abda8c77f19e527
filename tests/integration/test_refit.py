"""Editing through the real server: presets, locks and photos on the default rig."""

import json
from pathlib import Path

import pytest

from facewright import Character, Client, EmbeddedServer, FitOptions, FitResult, errors
from facewright.cli import main
from integration import photos

pytestmark = pytest.mark.integration

KEPT = "nose-hump"


@pytest.fixture(scope="module")
def me(fitting: Client, plain_fit: FitResult) -> Character:
    return plain_fit.character


def test_an_older_self_is_the_same_person_and_keeps_what_is_locked(fitting: Client, me: Character) -> None:
    result = fitting.refit(me, preset="older", keep=[KEPT, "head-age"])
    after = result.character
    assert after.sliders["age"] > me.sliders["age"]
    assert (after.sliders[KEPT], after.sliders["head-age"]) == (me.sliders[KEPT], me.sliders["head-age"])
    assert after.styles == me.styles
    assert 0.05 < result.report.identity_distance <= 0.45
    assert result.report.strength == 1
    shown = photos.decoded(result.comparison_png)
    assert shown.shape == (512, 1024, 3)
    assert (shown[:, 512:] == photos.decoded(result.rendered_png)).all()
    assert (photos.decoded(fitting.render(after).pngs["color"]) == shown[:, 512:]).all()


def test_a_style_change_keeps_the_rest_to_the_last_digit(fitting: Client, me: Character) -> None:
    hair = "bob" if me.styles["hair"] != "bob" else "crop"
    after = fitting.refit(me, styles={"hair": hair}).character
    assert after.styles == {**me.styles, "hair": hair}
    assert (after.sliders, after.colors) == (me.sliders, me.colors)


def test_less_strength_moves_less(fitting: Client, me: Character) -> None:
    little, much = (fitting.refit(me, preset="heavier", strength=share) for share in (0.2, 1.0))
    assert me.sliders["head-fat"] <= little.character.sliders["head-fat"] < much.character.sliders["head-fat"]
    assert 0 < little.report.identity_distance < much.report.identity_distance


def test_photos_refine_the_character_from_where_it_is(
    fitting: Client, me: Character, portrait: object
) -> None:
    result = fitting.refit(
        me,
        photos.png(portrait),
        keep=[KEPT],
        options=FitOptions(iterations=3),  # type: ignore[arg-type]
    )
    assert result.report.fit is not None
    assert result.report.fit.iterations == 3
    assert result.character.sliders[KEPT] == me.sliders[KEPT]
    assert result.character.styles == me.styles
    moved = [abs(result.character.sliders[name] - value) for name, value in me.sliders.items()]
    assert 0 < max(moved) < 0.2


def test_what_cannot_be_is_refused(fitting: Client, me: Character, plain_fit: FitResult) -> None:
    other = "bob" if me.styles["hair"] != "bob" else "crop"
    with pytest.raises(errors.InvalidInputError, match="leave one of the two out"):
        fitting.refit(me, styles={"hair": other}, keep=["hair"])
    with pytest.raises(errors.UnknownParameterError, match="close names: nose-hump"):
        fitting.refit(me, preset="older", keep=["nose-humb"])
    with pytest.raises(errors.RigVersionError):
        fitting.refit(Character("anny", "99.0.0", me.sliders), preset="older")
    with pytest.raises(errors.NoFaceError) as caught:
        fitting.refit(me, photos.flat_png(200, 200))
    assert caught.value.field_violations[0].field == "subject.photos[0]"


def test_the_command_writes_a_character_that_can_be_edited_again(
    server: EmbeddedServer, fitting: Client, me: Character, tmp_path: Path
) -> None:
    (tmp_path / "me.json").write_text(me.to_json())
    first, second = tmp_path / "first", tmp_path / "second"
    where = ["--server", server.address]
    assert (
        main(["refit", str(tmp_path / "me.json"), "--preset", "stylised", "--out", str(first), *where]) == 0
    )
    again = ["refit", str(first / "character.json"), "--style", "make_up=vivid", "--out", str(second), *where]
    assert main(again) == 0
    report = json.loads((second / "report.json").read_text())
    assert report["strength"] == 0
    before, after = (Character.from_file(folder / "character.json") for folder in (first, second))
    assert after.sliders == before.sliders
    assert after.styles == {**before.styles, "make_up": "vivid"}
