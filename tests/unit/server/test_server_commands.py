"""The fronts of the offline commands: they parse, refuse in one line, and load nothing they do not need."""

import subprocess
import sys
from pathlib import Path

import pytest

from facewright_server.cli.output import write_whole
from unit.server.fakes.running import environment, run_cli

COMMANDS = [
    ["serve"], ["capture"], ["train", "imitator"], ["train", "parsing"], ["eval", "fit"], ["eval", "parsing"],
    ["eval", "identity"], ["eval", "imitator"], ["bake", "anny"], ["parse"], ["sheet", "characters"],
    ["sheet", "expressions"], ["sheet", "parsing"], ["sheet", "fits"], ["sheet", "animations"], ["token"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from facewright_server.cli import main

    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert f"facewright-server {' '.join(command)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["fly"],
        ["capture"],
        ["capture", "--out", "x", "--count", "0"],
        ["train", "imitator", "--captures", "/does/not/exist", "--out", "x"],
        ["eval", "fit"],
        ["bake"],
        ["sheet", "parsing", "--out", "x.png"],
    ],
    ids=" ".join,
)
def test_a_bad_command_line_is_refused_in_one_line(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from facewright_server.cli import main

    with pytest.raises(SystemExit) as caught:
        main(command)
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "network", [["migration"], ["expression", "--migration", "/does/not/exist"]], ids=" ".join
)
def test_half_a_model_is_not_registered(network: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from facewright_server.cli import main

    folders = ["--data", ".", "--captures", ".", "--out", "x"]
    assert main(["train", *network, *folders, "--half", "lower", "--register"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "--half" in line


async def test_a_photo_that_is_not_there_is_one_line_and_code_2(tmp_path: Path) -> None:
    done = await run_cli(
        "parse", tmp_path / "no.jpg", "--out", tmp_path / "o.png", module="facewright_server"
    )
    assert done.code == 2
    assert "no.jpg" in done.error_line
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240


def test_help_loads_no_tensor_library() -> None:
    program = (
        "import sys, facewright_server.cli as c\n"
        "try: c.main(['capture', '--help'])\nexcept SystemExit: pass\n"
        "sys.exit(bool({'torch', 'numpy', 'grpc', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 0


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.png"
    write_whole(target, b"one")
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder.png", b"x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.png", "folder.png", "new"]
