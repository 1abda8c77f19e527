"""``facewright export`` and ``facewright character``, each in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facewright import Character
from unit.models.glb_reading import ReadGlb
from unit.server.fakes.running import run_cli, running

SAVED = Character("fake", "2.1.0", {"nose_width": 0.2, "jaw_width": 1.0}, {"hair": "bob"})


@pytest.fixture
def character(tmp_path: Path) -> Path:
    path = tmp_path / "character.json"
    path.write_text(SAVED.to_json())
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_character_goes_to_a_glb_and_comes_back_byte_for_byte(
    character: Path, tmp_path: Path
) -> None:
    async with running() as live:
        done = await run_cli(
            "export", character, "--server", live.address, "--out", tmp_path / "o" / "Me 2.glb",
            "--expression", "jawOpen=0.5", "mouthSmileLeft=1", "--eye-morphs", "--json",
        )  # fmt: skip
        assert done.code == 0, done.err
        ((name, options),) = live.studio.exported
    file = tmp_path / "o" / "Me 2.glb"
    assert names(tmp_path / "o") == ["Me 2.glb"]
    assert json.loads(done.out) == {"files": [str(file)], "bytes": {str(file): file.stat().st_size}}
    assert name == "Me_2"
    assert options.expression == {"jawOpen": 0.5, "mouthSmileLeft": 1.0}
    assert options.has_eye_morphs
    back = await run_cli("character", file, "--out", tmp_path / "back.json")
    assert (back.code, back.out) == (0, f"{tmp_path / 'back.json'}\n")
    assert (tmp_path / "back.json").read_bytes() == SAVED.to_json().encode()
    printed = await run_cli("character", file)
    assert printed.out == SAVED.to_json()


async def test_an_exported_glb_is_taken_wherever_a_character_is(character: Path, tmp_path: Path) -> None:
    async with running() as live:
        server = ("--server", live.address)
        assert (await run_cli("export", character, *server, "--out", "a.glb", cwd=tmp_path)).code == 0
        again = await run_cli("export", "a.glb", *server, "--no-morphs", cwd=tmp_path)
        assert again.code == 0, again.err
        drawn = await run_cli("render", "a.glb", *server, cwd=tmp_path)
        assert drawn.code == 0, drawn.err
        assert not live.studio.exported[1][1].has_morphs
    assert again.out == "character.glb\n"
    first, second = (ReadGlb((tmp_path / name).read_bytes()) for name in ("a.glb", "character.glb"))
    assert first.extras == second.extras


async def test_an_obj_lies_beside_its_materials(character: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "export", character, "--server", live.address, "--out", tmp_path / "o" / "my face.obj"
        )
    assert done.code == 0, done.err
    assert names(tmp_path / "o") == ["my face.obj", "my_face.mtl"]
    assert "mtllib my_face.mtl" in (tmp_path / "o" / "my face.obj").read_text()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--out", "me.fbx"], "ends in .glb or .obj"),
        (["--out", "me.obj", "--no-morphs"], "has no morphs"),
        (["--no-morphs", "--eye-morphs"], "expected one of them"),
        (["--expression", "jawOpne=1"], "jawOpne"),
        (["--expression", "jawOpen=2"], "jawOpen"),
        (["--expression", "jawOpen=nan"], "jawOpen"),
        (["--out", "character.json/me.glb"], "is a file"),
    ],
)
async def test_a_bad_export_is_one_line_code_2_and_no_file(
    arguments: list[str], text: str, character: Path, tmp_path: Path
) -> None:
    async with running() as live:
        done = await run_cli("export", character.name, "--server", live.address, *arguments, cwd=tmp_path)
    assert done.code == 2
    assert text in done.error_line
    assert names(tmp_path) == ["character.json"]


@pytest.mark.parametrize("command", ["export", "render", "character"])
@pytest.mark.parametrize("content", [b"glTF", b"glTF" + bytes(40), b"{", b"\0" * 40])
async def test_a_damaged_file_is_one_line_code_2_and_no_file(
    command: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "me.glb").write_bytes(content)
    done = await run_cli(command, "me.glb", "--out", "new.glb", cwd=tmp_path)
    assert done.code == 2
    assert "character" in done.error_line
    assert names(tmp_path) == ["me.glb"]


async def test_an_export_that_fails_leaves_the_old_file(character: Path, tmp_path: Path) -> None:
    (tmp_path / "me.glb").write_bytes(b"old")
    async with running() as live:
        done = await run_cli(
            "export", character, "--server", live.address, "--out", tmp_path / "me.glb", "--expression", "x=1"
        )
    assert done.code == 2
    assert (tmp_path / "me.glb").read_bytes() == b"old"
    assert names(tmp_path) == ["character.json", "me.glb"]
