"""Scene files: what they say, and what is said about those that are wrong."""

import json
from pathlib import Path

import pytest

from facewright import Character, Color, View
from facewright.rigs import Parameter, Rig
from facewright.testing import Box, RandomCharacter, Scene, SceneFileError, Thresholds, load_scenes
from facewright.testing.characters import character_of, random_character

WHOLE = """
name = "hero_smile"
description = "The select screen"
character = "hero.json"
expression = { mouthSmileLeft = 0.7 }
size_px = 256
passes = ["color", "labels"]
preset = "draft"
source = "server"
backend = "unity-d3d12"
frames = { color = "Hero/smile.png" }
view = { yaw_degrees = 20, pitch_degrees = -5.5 }
thresholds = { flip_mean = 0.05, window_px = 16, labels = { differing_share = 0.01, flip_mean = 0.5 } }
ignore = { boxes = [[1, 2, 30, 40]], mask = "mask.png" }
"""


def scene_of(folder: Path, text: str, name: str = "a.toml") -> Scene:
    path = folder / name
    path.write_text(text)
    (scene,) = load_scenes([path])
    return scene


def test_a_scene_says_everything(tmp_path: Path) -> None:
    (tmp_path / "hero.json").write_text(Character(sliders={"nose": 0.25}).to_json())
    (tmp_path / "mask.png").write_bytes(b"read when it is needed")
    scene = scene_of(tmp_path, WHOLE)
    assert scene == Scene(
        name="hero_smile",
        file=tmp_path / "a.toml",
        description="The select screen",
        character=tmp_path / "hero.json",
        expression={"mouthSmileLeft": 0.7},
        view=View(20.0, -5.5),
        size_px=256,
        passes=("color", "labels"),
        preset="draft",
        source="server",
        backend="unity-d3d12",
        frames={"color": "Hero/smile.png"},
        thresholds={
            "color": Thresholds(flip_mean=0.05, window_px=16),
            "labels": Thresholds(flip_mean=0.5, window_px=16, differing_share=0.01, compare="values"),
        },
        ignored_boxes=(Box(1, 2, 30, 40),),
        ignored_mask=tmp_path / "mask.png",
    )
    assert character_of(scene, no_rig).sliders == {"nose": 0.25}


def no_rig(name: str) -> Rig:
    raise AssertionError("nobody needs a rig here")


def test_an_empty_scene_is_the_average_character_by_the_defaults(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, "", "plain.toml")
    assert (scene.name, scene.character, scene.passes) == ("plain", Character(), ("color",))
    assert scene.thresholds_of("color") == Thresholds()
    assert scene_of(tmp_path, "{}", "other.scene.json").name == "other"


def test_scenes_of_a_file_share_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "many.scene.json"
    shared = {
        "size_px": 64,
        "thresholds": {"flip_mean": 0.1, "window_px": 8},
        "character": {"random_seed": 1},
    }
    own = {"name": "b", "thresholds": {"flip_mean": 0.2}, "character": {"sliders": {"nose": 1}}}
    path.write_text(json.dumps({"defaults": shared, "scenes": [{"name": "a"}, own]}))
    a, b = load_scenes([path])
    assert (a.size_px, b.size_px) == (64, 64)
    assert a.character == RandomCharacter(1)
    assert b.character == Character(sliders={"nose": 1.0})
    assert b.thresholds_of("color") == Thresholds(flip_mean=0.2, window_px=8)


def test_colours_may_be_lists(tmp_path: Path) -> None:
    text = "[character.colors]\nskin = [1, 0.5, 0]\nhair = { red = 0.25 }\n"
    character = scene_of(tmp_path, text).character
    assert isinstance(character, Character)
    assert character.colors == {"skin": Color(1.0, 0.5, 0.0), "hair": Color(0.25, 0.0, 0.0)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nam = 'x'", "unknown key 'nam'; expected some of .*; did you mean 'name'?"),
        ("name = 'a/b'", r'name is "a/b"; expected at most 100 letters'),
        ("name = '..'", "name is"),
        ("view = { yaw = 3 }", "unknown key 'view.yaw'"),
        ("view = { yaw_degrees = 91 }", r"view.yaw_degrees is 91; expected a number in \[-90, 90\]"),
        ("view = { yaw_degrees = nan }", "view.yaw_degrees is NaN"),
        ("view = 3", "view is 3; expected a table"),
        ("size_px = 0", r"size_px is 0; expected a whole number in \[1, 16384\]"),
        ("size_px = true", "size_px is true"),
        ("size_px = 20000", "size_px is 20000"),
        ("expression = { jawOpen = 1.5 }", r"expression.jawOpen is 1.5; expected a number in \[0, 1\]"),
        ("expression = { jawOpen = 'wide' }", "expression.jawOpen"),
        ("passes = []", "passes is"),
        ("passes = ['color', 'color']", "each once"),
        ("passes = ['a-b']", "passes is"),
        ("backend = 'common'", "backend is .*another name"),
        ("source = 'gpu'", 'source is "gpu"; expected one of any, server, frames'),
        ("frames = { depth = 'x.png' }", "frames.depth .* expected a pass of the scene: color"),
        ("frames = '../../etc/x.png'", "inside the folder of --frames"),
        ("frames = '/etc/x.png'", "inside the folder of --frames"),
        ("character = 'none.json'", 'character is "none.json"; expected a save file that is there'),
        ("character = { random_seed = -1 }", "character.random_seed is -1"),
        ("character = { random_seed = 1, seed = 2 }", "unknown key 'character.seed'"),
        ("character = { slider = {} }", "character cannot be read .*slider"),
        ("character = { colors = { skin = [1, 2] } }", "character.colors.skin"),
        ("character = { colors = { skin = [1, 2, 0] } }", "character.colors.skin is 2"),
        ("thresholds = { flip = 1 }", "unknown key 'thresholds.flip'"),
        ("thresholds = { flip_mean = 2 }", "thresholds.flip_mean is 2"),
        ("thresholds = { color = { window_px = 0.5 } }", "thresholds.color.window_px is 0.5"),
        ("thresholds = { compare = 'eyes' }", "thresholds.compare"),
        ("ignore = { boxes = [[1, 2, 3]] }", r"ignore.boxes\[0\] is .*; expected \[x, y, width, height\]"),
        ("ignore = { boxes = [[1, 2, 3, 0]] }", r"ignore.boxes\[0\]"),
        ("ignore = { mask = 'none.png' }", "ignore.mask"),
        ("scenes = []", "scenes is"),
        ("scenes = [3]", r"scenes\[0\] is 3; expected a table"),
        ("[[scenes]]\nsize_px = 3", r"scenes\[0\].name is"),
        ("defaults = { name = 'x' }\n[[scenes]]\nname = 'a'", "every scene has its own"),
        ("x = [[[", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SceneFileError, match=message) as caught:
        scene_of(tmp_path, text)
    assert str(tmp_path / "a.toml") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"), [("[1]", "holds a list"), ("{", "is not valid JSON"), ("", "JSON")]
)
def test_a_file_that_is_no_table_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SceneFileError, match=message):
        scene_of(tmp_path, text, "a.json")


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SceneFileError, match=r"a\.toml is not valid TOML"):
        load_scenes([tmp_path / "a.toml"])


def test_a_folder_gives_its_scenes_and_not_the_characters_beside_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.toml").write_text("character = 'hero.json'")
    (tmp_path / "deep" / "a.scene.json").write_text("{}")
    (tmp_path / "hero.json").write_text(Character().to_json())
    (tmp_path / ".hidden.toml").write_text("???")
    assert [scene.name for scene in load_scenes([tmp_path, tmp_path / "b.toml"])] == ["b", "a"]


def test_two_scenes_of_one_name_are_refused_also_when_only_case_differs(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("name = 'Hero'")
    (tmp_path / "b.toml").write_text("name = 'hero'")
    with pytest.raises(SceneFileError, match=r"b\.toml: the scene 'hero' is also in .*a\.toml"):
        load_scenes([tmp_path])


def test_a_place_without_scenes_is_named(tmp_path: Path) -> None:
    with pytest.raises(SceneFileError, match="has no scene files"):
        load_scenes([tmp_path])
    with pytest.raises(SceneFileError, match="is not there"):
        load_scenes([tmp_path / "none"])


def rig(*parameters: Parameter) -> Rig:
    return Rig("r", "1", "CC0-1.0", parameters, ())


def style(name: str, *options: str) -> Parameter:
    return Parameter(name, "", "style", "", options[0], options)


def slider(name: str) -> Parameter:
    return Parameter(name, "", "continuous", "", 0.5, ())


def test_a_seed_draws_the_same_character_everywhere() -> None:
    skin = Parameter("skin", "", "color", "", Color(0.8, 0.6, 0.5), ())
    drawn = random_character(rig(slider("nose"), style("hair", "a", "b", "c"), skin), 7)
    assert drawn == random_character(rig(skin, style("hair", "a", "b", "c"), slider("nose")), 7)
    assert drawn.sliders == {"nose": 0.40458}  # pinned: references are drawn with it
    assert drawn.styles == {"hair": "a"}
    assert drawn.colors["skin"].red / drawn.colors["skin"].blue == pytest.approx(1.6, rel=1e-4)
    assert random_character(rig(slider("nose")), 8).sliders != drawn.sliders


def test_a_rig_that_grows_leaves_random_characters_mostly_as_they_were() -> None:
    before, after = style("hair", *"abcdefgh"), style("hair", *"abcdefghi")
    changed = 0
    for seed in range(200):
        old = random_character(rig(slider("nose"), before), seed)
        new = random_character(rig(slider("ear"), slider("nose"), after), seed)
        assert new.sliders["nose"] == old.sliders["nose"]
        changed += new.styles != old.styles
        assert new.styles == old.styles or new.styles == {"hair": "i"}
    assert 5 < changed < 45  # about a ninth


def test_a_character_file_that_cannot_be_read_is_named_with_its_scene(tmp_path: Path) -> None:
    (tmp_path / "hero.json").write_text("[]")
    scene = scene_of(tmp_path, "character = 'hero.json'")
    with pytest.raises(SceneFileError, match=r"a\.toml: the character .*hero\.json cannot be read"):
        character_of(scene, no_rig)
