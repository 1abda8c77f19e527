"""Tables of robustness, ablation and several photos: rows of known trials."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facewright_models.errors import InvalidInputError
from facewright_models.evaluation import ablation, photos, robustness
from facewright_models.evaluation.ablation import ADDED, VARIANTS, Verdict, ablation_rows
from facewright_models.evaluation.people import rank_among
from facewright_models.evaluation.photos import gain_rows
from facewright_models.evaluation.robustness import Trial, robustness_rows, skull_vertices
from facewright_models.evaluation.table import Row
from facewright_models.fitting.fitter import PARTS
from facewright_models.fitting.objective import Scales
from facewright_models.rig import load_rig, neutral_character
from unit.models.fitting_stand_ins import TOY_SCHEMA

CORNERS = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]], float)


def named(rows: list[Row]) -> dict[str, Row]:
    return {row.name: row for row in rows}


def trial(person: str, disturbance: str, strength: float, rank: int | None, value: float = 0.0) -> Trial:
    if rank is None:
        return Trial(person=person, disturbance=disturbance, strength=strength, photo_rank=3)
    bent = CORNERS.copy()
    bent[3, 2] += value / 100
    return Trial(
        person=person,
        disturbance=disturbance,
        strength=strength,
        rank=rank,
        photo_rank=0,
        sliders=np.array([value, 0.0]),
        skull=bent,
        confidence=1 - strength / 2,
    )


def test_robustness_counts_hits_failures_and_distances() -> None:
    trials = [
        trial("a", "undisturbed", 0, 0),
        trial("b", "undisturbed", 0, 7, value=1.0),
        trial("a", "beard", 1.0, 3, value=0.25),
        trial("b", "beard", 1.0, None),
    ]
    rows = named(robustness_rows(trials, 88))
    assert rows["undisturbed 0.00: own photo, top-1 of 88"].measured == 0.5
    assert rows["beard 1.00: own photo, top-1 of 88"].measured == 0.0
    top_five = rows["beard 1.00: own photo, top-5 of 88"]
    assert (top_five.measured, top_five.n, top_five.note) == (0.5, 2, "1 failed")
    assert top_five.baselines == {"the disturbed photo itself": 1.0}
    assert rows["beard 1.00: sliders, over two people's"].measured == pytest.approx(0.25)
    assert 0 < rows["beard 1.00: skull, mm"].measured < 2.5
    assert rows["beard 1.00: skull, mm"].bar == 2.0
    assert rows["beard 1.00: confidence, mean over groups"].measured == 0.5
    assert "undisturbed 0.00: skull, mm" not in rows


def test_a_query_without_a_face_ranks_last() -> None:
    gallery = np.eye(3)
    assert rank_among(np.array([0.9, 0.1, 0.0]), gallery, 0) == 0
    assert rank_among(np.array([0.9, 0.1, 0.0]), gallery, 2) == 2
    assert rank_among(np.full(3, np.inf), gallery, 0) == 3


def test_a_skull_has_no_hair_and_moves_with_the_head() -> None:
    rig = load_rig("anny")
    names = rig.schema.continuous_names
    neutral = np.full(len(names), 0.5)
    wide = neutral.copy()
    wide[[name.startswith("head-") for name in names]] = 0.9
    first, second = skull_vertices(rig, neutral), skull_vertices(rig, wide)
    assert first.shape == second.shape
    assert 100 < len(first) < len(rig.average("skin"))
    assert np.linalg.norm(first - second, axis=1).max() > 0.002


def verdict(rank: int, nme: float, jaw: float = 0.5) -> Verdict:
    neutral = neutral_character(TOY_SCHEMA)
    character = replace(neutral, sliders={**neutral.sliders, "jaw": jaw})
    return Verdict(
        neutral=character,
        smiling=character,
        rank=rank,
        smiling_rank=rank + 1,
        smiling_distance=0.5 + rank / 10,
        landmark_nme=nme,
        skin=None,
        styles=(True, False, True),
    )


def test_every_row_of_an_ablation_stands_beside_all_terms() -> None:
    found = {
        "all terms": [verdict(0, 0.03, 0.2), verdict(0, 0.05, 0.8)],
        "identity": [verdict(0, 0.02, 0.2), verdict(9, 0.02, 0.9)],
    }
    rows = named(ablation_rows(TOY_SCHEMA, found, {"neutral": 88, "smiling": 68}))
    assert rows["own neutral photo, top-1 of 88: all terms"].measured == 1.0
    assert rows["own neutral photo, top-1 of 88: - identity"].measured == 0.5
    assert rows["own neutral photo, top-1 of 88: - identity"].baselines == {"all terms": 1.0}
    assert rows["own smiling photo, top-1 of 68: all terms"].measured == 0.0
    assert rows["own smiling photo, top-5 of 68: - identity"].measured == 0.5
    assert rows["landmark error of the render: - identity"].measured == pytest.approx(0.02)
    assert rows["styles as a person would choose: all terms"].measured == pytest.approx(2 / 3)
    assert rows["stability: all terms"].measured == 0.0
    assert rows["skin, CIEDE2000: all terms"].n == 0
    assert rows["distance to the own smiling photo: - identity"].measured == pytest.approx(0.95)


def test_every_term_of_the_objective_is_in_the_ablation() -> None:
    changed = {name for variant in (*VARIANTS.values(), *ADDED.values()) for name in variant.scales}
    changed |= {"identity" for variant in VARIANTS.values() if "identity_weight" in variant.options}
    assert changed == set(vars(Scales()))
    assert {part for variant in VARIANTS.values() for part in variant.left_out} == set(PARTS)
    off = {name for name, value in vars(Scales()).items() if value == 0}
    assert off <= ADDED.keys()


def test_more_photos_gain_what_the_error_loses() -> None:
    rows = named(gain_rows("error", {1: np.array([0.5, 0.7, 0.4]), 2: np.array([0.4, 0.7, np.nan])}))
    assert rows["error, 1 photo"].measured == pytest.approx(1.6 / 3)
    assert rows["error, 2 photos"].n == 2
    gain = rows["error, gain of 2 photos"]
    assert gain.measured == pytest.approx(0.05)
    assert gain.passed


@pytest.mark.parametrize("table", [robustness, ablation, photos])
def test_what_there_is_not_is_refused_by_name(table: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="'nonsense'"):
        table.evaluate(tmp_path, only=["nonsense"])  # type: ignore[attr-defined]
