"""``facewright refit``, each command in a process of its own against a real server with a fake fitter."""

import asyncio
import json
from pathlib import Path

import pytest
from PIL import Image

from facewright import Character, Client, FitOptions
from facewright_models.errors import NoFaceError
from unit.server.fakes.running import run_cli, running
from unit.server.fakes.studio import PHOTO, raising_in_fit

FILES = ["character.json", "compare.png", "render.png", "report.json"]


@pytest.fixture
def character(tmp_path: Path) -> Path:
    path = tmp_path / "me.json"
    path.write_text(Character("fake", "2.1.0", {"nose_width": 0.25}, {"hair": "bob"}).to_json())
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_refit_writes_its_four_files_and_says_what_it_did(character: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "refit", character, "--preset", "stylised", "--strength", "0.5", "--server", live.address,
            "--out", tmp_path / "a" / "b",
        )  # fmt: skip
    assert done.code == 0, done.err
    folder = tmp_path / "a" / "b"
    assert names(folder) == FILES
    assert Character.from_file(folder / "character.json").sliders["nose_width"] == 0.5
    with Image.open(folder / "compare.png") as comparison:
        assert comparison.size == (32, 16)
    report = json.loads((folder / "report.json").read_text())
    assert list(report) == ["identity_distance", "strength", "fit", "seconds", "warnings"]
    assert report["fit"] is None
    assert "0.250, strength 0.50" in done.out
    assert "PRESET_WEAKENED" in done.error_line


async def test_refit_passes_every_option_on(character: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    async with running() as live:
        done = await run_cli(
            "refit", character, "--photo", photo, "--box", "1,2,30,40", "--photo", photo, "--style", "hair=none",
            "--color", "skin=#ff0000", "--lock", "nose_width", "--lock", "jaw_width=0.75", "--iterations", "3",
            "--json", "--server", live.address, "--out", tmp_path / "o",
        )  # fmt: skip
        asked = live.studio.refit
    assert done.code == 0, done.err
    assert done.out == (tmp_path / "o" / "report.json").read_text()
    assert json.loads(done.out)["fit"]["iterations"] == 3
    assert asked is not None
    assert (asked.kept, asked.locked_sliders) == (("nose_width",), {"jaw_width": 0.75})
    assert (asked.styles, asked.colors) == ({"hair": "none"}, {"skin": (1.0, 0.0, 0.0)})
    assert asked.subject is not None
    assert [box is None for box in asked.subject.face_boxes] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--preset", "prettier"], "prettier"),
        (["--preset", "older"], "no slider 'age'"),
        (["--preset", "stylised", "--strength", "2"], "[0, 1]"),
        (["--preset", "stylised", "--strength", "nan"], "[0, 1]"),
        (["--style", "hair=mohawk"], "mohawk"),
        (["--style", "hair"], "SLOT=OPTION"),
        (["--style", "hair="], "SLOT=OPTION"),
        (["--color", "skin=reddish"], "#c08060"),
        (["--lock", "nose", "--preset", "stylised"], "close names"),
        (["--lock", "=0.5"], "NAME=VALUE"),
        (["--style", "hair=none", "--lock", "hair=bob"], "styles[hair]"),
        ([], "nothing is to change"),
        (["--box", "1,2,3,4", "--preset", "stylised"], "1 boxes for 0 photos"),
        (["--photo", "no-such-file.jpg"], "no-such-file.jpg"),
    ],
)
async def test_bad_input_is_one_line_and_leaves_nothing(
    character: Path, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    async with running() as live:
        done = await run_cli(
            "refit", character, *arguments, "--server", live.address, "--out", tmp_path / "o"
        )
    assert done.code == 2
    assert expected in done.error_line
    assert names(tmp_path) == ["me.json"]


async def test_a_photo_that_cannot_be_fitted_leaves_nothing(character: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(raising_in_fit(NoFaceError))
    async with running() as live:
        done = await run_cli(
            "refit", character, "--photo", tmp_path / "photo.jpg", "--server", live.address, "--out", tmp_path / "o"
        )  # fmt: skip
    assert done.code == 2
    assert "NoFaceError" in done.error_line
    assert names(tmp_path) == ["me.json", "photo.jpg"]


async def test_the_skin_goes_with_the_character(tmp_path: Path) -> None:
    def fit(address: str) -> None:
        with Client(address) as client:
            result = client.fit(PHOTO, options=FitOptions(iterations=1, texture=True))
        (tmp_path / "me.json").write_text(result.character.to_json())
        (tmp_path / "skin.png").write_bytes(result.skin_texture_png)

    async with running() as live:
        await asyncio.to_thread(fit, live.address)
    async with running() as other:  # which has never seen the skin
        done = await run_cli(
            "refit", tmp_path / "me.json", "--preset", "stylised", "--server", other.address, "--out", tmp_path / "o"
        )  # fmt: skip
    assert done.code == 0, done.err
    assert names(tmp_path / "o") == sorted([*FILES, "skin.png"])
    assert (tmp_path / "o" / "skin.png").read_bytes() == (tmp_path / "skin.png").read_bytes()
