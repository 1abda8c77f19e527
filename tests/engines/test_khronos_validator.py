"""The Khronos glTF validator has nothing to say about what is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.tools import Node
from facewright_models.export import ExportOptions, export_glb
from facewright_models.foundry import random_posed
from facewright_models.rig import BakedRig, Character, Rig, list_rigs, load_ict, load_rig, neutral_character

SEVERITIES = ("numErrors", "numWarnings", "numInfos", "numHints")


def every_style(rig: BakedRig) -> dict[str, Character]:
    """Random characters until every option of every style was worn."""
    generator = np.random.default_rng(11)
    most = max(len(parameter.options) for parameter in rig.schema.styles.values())
    worn = {}
    for index in range(most):
        drawn = random_posed(rig.schema, generator, turned=0.0).character
        styles = {slot: p.options[index % len(p.options)] for slot, p in rig.schema.styles.items()}
        worn["-".join(styles.values())] = Character(
            rig=drawn.rig,
            rig_version=drawn.rig_version,
            sliders=drawn.sliders,
            styles=styles,
            colors=drawn.colors,
        )
    return worn


def validated(node: Node, files: list[Path]) -> dict[str, dict[str, object]]:
    """File -> what the validator found, where it found something."""
    reports = node.run("validate.mjs", *files)
    assert len(reports) == len(files)
    return {
        Path(file).stem: report.get("issues", report)
        for file, report in reports.items()
        if "issues" not in report or any(report["issues"][severity] for severity in SEVERITIES)
    }


def written(folder: Path, name: str, rig: Rig, character: Character, options: ExportOptions) -> Path:
    file = folder / f"{name}.glb"
    file.write_bytes(export_glb(rig, character, options=options, extras={"format": 1}))
    return file


@pytest.mark.parametrize("name", list_rigs())
def test_characters_of_every_style_give_no_error_warning_info_or_hint(
    name: str, node: Node, tmp_path: Path
) -> None:
    rig = load_rig(name)
    characters = every_style(rig)
    for slot, parameter in rig.schema.styles.items():
        assert {c.styles[slot] for c in characters.values()} == set(parameter.options)
    files = [written(tmp_path, name, rig, c, ExportOptions()) for name, c in characters.items()]
    assert validated(node, files) == {}


def test_every_option_gives_a_file_without_complaint(node: Node, rig: BakedRig, tmp_path: Path) -> None:
    options = {
        "baked": ExportOptions(expression={"jawOpen": 1.0, "eyeLookUpLeft": 1.0}),
        "small": ExportOptions(has_morphs=False),
        "eye_morphs": ExportOptions(has_eye_morphs=True),
    }
    average = neutral_character(rig.schema)
    files = [written(tmp_path, name, rig, average, option) for name, option in options.items()]
    assert validated(node, files) == {}


def test_a_second_rig_gives_a_file_without_complaint(node: Node, shared_data: Path, tmp_path: Path) -> None:
    rig = load_ict(shared_data / "rigs" / "ict_facekit")
    file = written(tmp_path, "ict", rig, neutral_character(rig.schema), ExportOptions())
    assert validated(node, [file]) == {}


@pytest.mark.parametrize("position", ["header", "length", "json"])
def test_the_validator_does_complain_about_a_damaged_file(
    position: str, node: Node, rig: BakedRig, tmp_path: Path
) -> None:
    content = bytearray(
        export_glb(rig, neutral_character(rig.schema), options=ExportOptions(has_morphs=False))
    )
    at = {"header": 0, "length": 8, "json": 24}[position]
    content[at] ^= 0xFF
    file = tmp_path / "damaged.glb"
    file.write_bytes(content)
    assert validated(node, [file])
