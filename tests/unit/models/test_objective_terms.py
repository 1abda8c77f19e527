"""The terms that see what people see: nothing for equal pictures, more for less alike ones, and a slope."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from facewright_models.fitting import FitOptions
from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.objective import Scales, objective
from facewright_models.fitting.part_shapes import part_shape_error
from facewright_models.fitting.silhouette import silhouette_distance
from facewright_models.fitting.tone import lab_of, tone_distance

SIZE = 64
SKIN, LIPS = torch.tensor([0.75, 0.55, 0.45]), torch.tensor([0.62, 0.32, 0.32])
NO_TERMS = Scales(content=0, identity=0, landmark=0, color=0, image=0, prior=0)


def classes(hair_rows: int = 20) -> torch.Tensor:
    """(1, 11, 64, 64): hair above, then skin with a mouth."""
    labels = torch.ones(SIZE, SIZE, dtype=torch.long)
    labels[:hair_rows] = 2
    labels[44:52, 20:44] = 8
    return torch.nn.functional.one_hot(labels, 11).permute(2, 0, 1)[None].float()


def seen(
    skin: torch.Tensor = SKIN, lips: torch.Tensor = LIPS, light: float = 1.0, hair_rows: int = 20
) -> FaceFeatures:
    probabilities = classes(hair_rows)
    image = torch.full((1, 3, SIZE, SIZE), 0.2)
    for index, color in ((1, skin), (8, lips)):
        mask = probabilities[:, index : index + 1]
        image = image * (1 - mask) + color.view(1, 3, 1, 1) * mask
    return FaceFeatures(
        image=(image * light).clamp(0, 1),
        landmarks=torch.zeros(1, 68, 2),
        depths=(torch.ones(1, 2, 8, 8),),
        probabilities=probabilities,
        embedding=torch.ones(1, 128),
    )


def marks() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    points = 400 * torch.rand(1, 68, 2, generator=generator)
    points[:, 36:42, 0] -= 200
    return points


# ------------------------------------------------------------------------------------ tone in CIELAB


def test_lab_is_that_of_another_library() -> None:
    colors = np.random.default_rng(2).uniform(0, 1, (20, 3))
    linear = np.where(colors > 0.04045, ((colors + 0.055) / 1.055) ** 2.4, colors / 12.92)
    found = lab_of(torch.from_numpy(linear)).numpy()
    np.testing.assert_allclose(found, rgb2lab(colors), atol=0.3)


def test_equal_skin_and_lips_are_at_no_distance() -> None:
    assert float(tone_distance(seen(), seen())) < 1e-4


def test_other_lips_are_at_a_distance_that_grows() -> None:
    near, far = (tone_distance(seen(), seen(lips=LIPS + delta)) for delta in (0.05, 0.2))
    assert 0.005 < float(near) < float(far)


def test_a_cast_of_the_light_is_taken_off() -> None:
    warm = seen()
    warm = replace(warm, image=warm.image * torch.tensor([1.04, 1.0, 1 / 1.04]).view(1, 3, 1, 1))
    cast, other = tone_distance(warm, seen()), tone_distance(seen(lips=LIPS * 0.9), seen())
    assert float(cast) < 0.3 * float(other)


def test_a_tone_has_a_slope_in_the_picture() -> None:
    shown = seen(lips=LIPS + 0.1)
    image = shown.image.clone().requires_grad_(True)
    tone_distance(seen(), replace(shown, image=image)).sum().backward()
    assert image.grad is not None
    assert float(image.grad[:, :, 46, 30].abs().sum()) > 0


# ------------------------------------------------------------------------------------------- outline


def test_the_same_hair_is_at_no_distance_and_longer_hair_at_more() -> None:
    same, longer, longest = (silhouette_distance(seen(), seen(hair_rows=rows)) for rows in (20, 26, 40))
    assert float(same) == pytest.approx(0.0, abs=1e-6)
    assert float(longer) == pytest.approx(6 / 26, rel=0.1)
    assert float(longer) < float(longest) <= 1


def test_two_bald_heads_have_the_same_outline() -> None:
    assert float(silhouette_distance(seen(hair_rows=0), seen(hair_rows=0))) == 0.0


def test_an_outline_has_a_slope() -> None:
    shown = seen(hair_rows=26)
    probabilities = shown.probabilities.clone().requires_grad_(True)
    silhouette_distance(seen(), replace(shown, probabilities=probabilities)).sum().backward()
    assert probabilities.grad is not None
    assert float(probabilities.grad[0, 2, 23].sum()) > 0  # less hair there would be nearer
    assert float(probabilities.grad[0, 2, 10].sum()) < 0


# ------------------------------------------------------------------------------------- brows and lids


def test_a_brow_at_another_place_has_the_same_shape() -> None:
    moved = marks()
    moved[:, 17:22] += torch.tensor([5.0, -8.0])
    assert float(part_shape_error(moved, marks(), torch.ones(1, 68))) < 1e-4


@pytest.mark.parametrize("part", [slice(17, 22), slice(22, 27), slice(36, 42), slice(42, 48)])
def test_a_part_of_another_shape_is_at_a_distance_unless_it_is_hidden(part: slice) -> None:
    bent = marks()
    bent[:, part, 1] += torch.linspace(-6, 6, part.stop - part.start)
    sure = part_shape_error(bent, marks(), torch.ones(1, 68))
    certainty = torch.ones(1, 68)
    certainty[:, part] = 0.0
    assert float(sure) > 1e-3
    assert float(part_shape_error(bent, marks(), certainty)) < 0.1 * float(sure)


def test_shape_has_a_slope_and_the_mouth_has_none() -> None:
    points = (marks() + torch.arange(68)[None, :, None] % 3).requires_grad_(True)
    part_shape_error(points, marks(), torch.ones(1, 68)).sum().backward()
    assert points.grad is not None
    assert float(points.grad[:, 17:27].abs().sum()) > 0
    assert float(points.grad[:, 48:].abs().sum()) == 0


# ------------------------------------------------------------------------------------ in the objective


@pytest.mark.parametrize(
    ("scales", "shown"),
    [
        (replace(NO_TERMS, tone=3.0), seen(lips=LIPS + 0.2)),
        (replace(NO_TERMS, silhouette=3.0), seen(hair_rows=30)),
    ],
)
def test_a_term_counts_by_its_scale(scales: Scales, shown: FaceFeatures) -> None:
    sliders, options = torch.full((1, 4), 0.5), FitOptions()
    off = objective(seen(), shown, None, sliders, options, NO_TERMS).total
    on = objective(seen(), shown, None, sliders, options, scales).total
    alike = objective(seen(), seen(), None, sliders, options, scales).total
    assert float(off) == pytest.approx(0.0, abs=1e-6)
    assert float(on) > 0.01
    assert float(alike) < 0.001


def test_the_shape_of_parts_counts_by_its_scale() -> None:
    sliders, options = torch.full((1, 4), 0.5), FitOptions()
    scales, error = replace(NO_TERMS, part_shape=5.0), torch.tensor([0.1])
    total = objective(seen(), seen(), None, sliders, options, scales, None, error).total
    assert float(total) == pytest.approx(0.5)
