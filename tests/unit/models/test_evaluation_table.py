"""The evaluation table: verdicts, intervals, text and JSON."""

import json
import math

import numpy as np
import pytest

from facewright_models.evaluation import Interval, Report, Row, bootstrap_interval


def test_a_row_passes_on_the_right_side_of_its_bar() -> None:
    assert Row(name="a", measured=0.9, n=3, bar=0.88).passed is True
    assert Row(name="a", measured=0.8, n=3, bar=0.88).passed is False
    assert Row(name="a", measured=0.8, n=3, bar=0.88, lower_is_better=True).passed is True
    assert Row(name="a", measured=0.8, n=3).passed is None
    assert Row(name="a", measured=math.nan, n=0, bar=0.5).passed is False


def test_text_and_json_hold_every_number() -> None:
    row = Row(
        name="IoU",
        measured=0.9123,
        n=34,
        bar=0.88,
        interval=Interval(low=0.9, high=0.93),
        baselines={"average": 0.7},
    )
    report = Report(title="T", rows=(row, Row(name="gap", measured=math.nan, n=0)), notes=("how",))
    text = report.to_text()
    for part in ("IoU", "0.912", "0.900..0.930", ">= 0.880", "ok", "34", "average 0.700", "* how"):
        assert part in text
    content = json.loads(report.to_json())
    assert content["rows"][0]["passed"] is True
    assert content["rows"][0]["interval_95"] == [0.9, 0.93]
    assert content["rows"][1]["measured"] is None
    assert report.passed


def test_the_interval_of_a_mean_agrees_with_the_normal_formula() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    interval = bootstrap_interval(values)
    assert interval is not None
    half = 1.96 * values.std() / 20
    assert interval.low == pytest.approx(values.mean() - half, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.03)


def test_one_person_has_no_interval_and_the_same_seed_gives_the_same_one() -> None:
    assert bootstrap_interval([1.0]) is None
    assert bootstrap_interval([1, 2, 5]) == bootstrap_interval([1, 2, 5])
    assert bootstrap_interval([1, 2, 5], lambda _: math.nan) is None
