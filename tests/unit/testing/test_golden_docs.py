"""docs/golden.md says what is true: thresholds, keys, options."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from facewright.cli.main import main
from facewright.testing import Thresholds, load_scenes


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    return (repository / "docs" / "golden.md").read_text(encoding="utf-8")


def rows(text: str, heading: str) -> dict[str, str]:
    """First and last cell of the first table below a heading."""
    table = text.split(f"## {heading}")[1].split("\n|---")[1].split("\n\n")[0]
    cells = [line.strip("| ").split("|") for line in table.splitlines()[1:]]
    return {row[0].strip(" `"): row[-1].strip(" `") for row in cells}


def test_the_defaults_are_those_of_the_code(text: str) -> None:
    said = rows(text, "Thresholds")
    assert said == {
        spec.name: f"{spec.default:g}" if isinstance(spec.default, float) else str(spec.default).lower()
        for spec in fields(Thresholds)
    }


def test_every_key_of_a_scene_is_known_and_none_is_left_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("no_such_key = 1")
    with pytest.raises(Exception, match="expected some of") as caught:
        load_scenes([path])
    known = re.search(r"expected some of (.*)$", str(caught.value))
    assert known is not None
    assert set(rows(text, "Every key of a scene file")) == set(known[1].split(", "))


def test_every_option_that_is_named_exists(
    text: str, capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    shown = ""
    for action in ("run", "review", "accept"):
        with pytest.raises(SystemExit):
            main(["golden", action, "--help"])
        shown += capsys.readouterr().out
    shown += (repository / "sdk" / "facewright_pytest" / "__init__.py").read_text(encoding="utf-8")
    elsewhere = {"--rootdir"}
    missing = {option for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text) if option not in shown}
    assert missing <= elsewhere
