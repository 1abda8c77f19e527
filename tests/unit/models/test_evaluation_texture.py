"""The table of the own skin: ranks from embeddings, with the painted skin beside them."""

import numpy as np
import pytest

from facewright_models.evaluation.texture import YAWS_DEGREES, SeenPerson, recognition_rows


def people(count: int, *, own_noise: float, plain_noise: float) -> list[SeenPerson]:
    generator = np.random.default_rng(5)

    def near(face: np.ndarray, noise: float) -> dict[float, np.ndarray]:
        return {yaw: face + generator.normal(0, noise, 128) for yaw in YAWS_DEGREES}

    faces = generator.normal(0, 0.1, (count, 128))
    return [
        SeenPerson(smiling=face, textured=near(face, own_noise), plain=near(face, plain_noise))
        for face in faces
    ]


def test_people_who_look_like_themselves_are_found_and_chance_is_told() -> None:
    first, plain, *_ = recognition_rows(people(20, own_noise=0.01, plain_noise=5.0))
    assert (first.measured, first.passed, first.n) == (1.0, True, 20)
    assert plain.measured < 0.3
    assert plain.bar is None
    assert first.baselines["without it"] == pytest.approx(plain.measured)
    assert first.baselines["chance"] == pytest.approx(0.05)
    assert first.interval is not None


def test_a_row_of_every_yaw_says_where_it_fails() -> None:
    mixed = people(20, own_noise=0.01, plain_noise=0.01)
    turned = [
        SeenPerson(smiling=a.smiling, textured={**a.textured, 30.0: b.textured[30.0]}, plain=a.plain)
        for a, b in zip(mixed, mixed[1:] + mixed[:1], strict=True)
    ]
    rows = {row.name: row for row in recognition_rows(turned)}
    assert rows["top-1 at yaw +0"].measured == rows["top-1 at yaw -30"].measured == 1.0
    assert rows["top-1 at yaw +30"].measured == 0.0
    total = rows["smiling photo -> own render, top-1, all yaws"]
    assert total.measured == pytest.approx(2 / 3)
    assert total.passed is False


def test_a_face_that_was_not_found_finds_nobody_and_ties_do_not_count() -> None:
    lost = people(3, own_noise=0.0, plain_noise=0.0)
    lost[0] = SeenPerson(smiling=np.full(128, np.inf), textured=lost[0].textured, plain=lost[0].plain)
    same = [SeenPerson(smiling=a.smiling, textured=lost[1].textured, plain=a.plain) for a in lost]
    assert recognition_rows(lost)[0].measured == pytest.approx(2 / 3)
    assert recognition_rows(same)[0].measured == 0.0


def test_nobody_at_all_reaches_no_bar() -> None:
    (row,) = recognition_rows([])
    assert row.passed is False
