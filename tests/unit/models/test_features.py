"""What the loss compares: the same treatment of both sides, and the numbers of its terms."""

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from facewright_models.fitting import FitOptions
from facewright_models.fitting.features import (
    CLASS_WEIGHTS,
    LOSS_PX,
    FaceFeatures,
    FeatureExtractor,
    content_distance,
    to_loss_size,
)
from facewright_models.fitting.objective import Scales, image_distance, objective, photo_means
from facewright_models.fitting.preparation import as_images
from unit.models.fitting_stand_ins import TinyIdentity, TinyParser, tiny_extractor


def random_features(
    seed: int, count: int = 2, size: int = 8, dtype: torch.dtype = torch.float32
) -> FaceFeatures:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator, dtype=dtype)

    return FaceFeatures(
        image=draw(count, 3, size, size),
        landmarks=size * draw(count, 68, 2),
        depths=(draw(count, 4, size // 2, size // 2), draw(count, 5, size // 4, size // 4)),
        probabilities=(3 * draw(count, 11, size, size)).softmax(1),
        embedding=draw(count, 128) - 0.5,
    )


def marks(count: int = 1, scale: float = 1.0) -> torch.Tensor:
    """Landmarks (count, 68, 2) of a face that fills most of a 512-pixel frame."""
    angle = torch.linspace(0, 6.28, 68)
    face = torch.stack([256 + 110 * angle.cos(), 260 + 130 * angle.sin()], 1)
    return (face * scale)[None].repeat(count, 1, 1)


# ------------------------------------------------------------------- both sides get the same treatment


def test_a_photo_and_an_imitated_face_with_equal_pixels_have_equal_features() -> None:
    """One comes as bytes, the other as the imitator's tensor; a difference would be a difference of treatment."""
    frame = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    imitated = torch.from_numpy(frame / np.float32(255)).permute(2, 0, 1)[None]
    extractor = tiny_extractor()
    photo, shown = extractor(as_images([frame]), marks()), extractor(imitated, marks())
    torch.testing.assert_close(photo.image, shown.image)
    torch.testing.assert_close(photo.embedding, shown.embedding)
    torch.testing.assert_close(photo.probabilities, shown.probabilities)
    assert float(content_distance(photo, shown)) < 1e-6
    assert float(image_distance(photo, shown)) < 1e-6


def test_photos_are_read_into_the_value_range_of_the_imitator() -> None:
    images = as_images([np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)])
    assert images.dtype == torch.float32
    assert (float(images.min()), float(images.max())) == (0.0, 1.0)


def test_both_networks_see_the_unit_interval_at_their_own_size() -> None:
    extractor = tiny_extractor()
    frame = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    extractor(as_images([frame]), marks())
    extractor(torch.rand(1, 3, LOSS_PX, LOSS_PX), marks(scale=0.5))
    for network, shape in ((extractor._parser, (1, 3, 256, 256)), (extractor._identity, (1, 3, 150, 150))):
        assert isinstance(network, TinyParser | TinyIdentity)
        assert len(network.seen) == 2
        for seen, low, high in network.seen:
            assert seen == shape
            assert 0.0 <= low < 0.3
            assert 0.7 < high <= 1.0


def test_the_one_resize_is_the_mean_over_equal_areas() -> None:
    images = torch.rand(2, 3, 512, 512, generator=torch.Generator().manual_seed(0))
    small = to_loss_size(images)
    torch.testing.assert_close(small, functional.avg_pool2d(images, 2))
    area = cv2.resize(images[0].permute(1, 2, 0).numpy(), (256, 256), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(small[0].permute(1, 2, 0).numpy(), area, atol=1e-6)
    assert to_loss_size(small) is small


def test_an_image_that_is_already_small_has_the_features_of_its_large_original() -> None:
    """The photo is resized here, the imitator has an exit of that size; landmarks scale about pixel corners."""
    large = torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(3))
    extractor = tiny_extractor()
    from_large = extractor(large, marks())
    from_small = extractor(to_loss_size(large), (marks() + 0.5) * 0.5 - 0.5)
    torch.testing.assert_close(from_large.embedding, from_small.embedding, atol=1e-4, rtol=0)
    torch.testing.assert_close(from_large.depths, from_small.depths)
    torch.testing.assert_close(from_large.landmarks, from_small.landmarks)


def test_embedding_alone_is_the_embedding_of_the_features() -> None:
    images, extractor = torch.rand(2, 3, 512, 512), tiny_extractor()
    torch.testing.assert_close(extractor.embed(images, marks(2)), extractor(images, marks(2)).embedding)


def test_gradients_reach_the_image_through_every_part_and_no_weight_moves() -> None:
    extractor = tiny_extractor()
    images = torch.rand(1, 3, 256, 256, requires_grad=True)
    features = extractor(images, marks(scale=0.5))
    for part in (*features.depths, features.probabilities[:, 3], features.embedding):
        (gradient,) = torch.autograd.grad(part.square().sum(), images, retain_graph=True)
        assert float(gradient.abs().max()) > 0
    for network in (extractor._parser, extractor._identity):
        assert not network.training
        assert not any(weight.requires_grad for weight in network.parameters())


def test_detached_features_have_no_graph() -> None:
    images = torch.rand(1, 3, 256, 256, requires_grad=True)
    detached = tiny_extractor()(images, marks(scale=0.5)).detached()
    assert not detached.embedding.requires_grad
    assert not any(depth.requires_grad for depth in detached.depths)


# ------------------------------------------------------------------------------------ numbers of the terms


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_content_distance_is_the_documented_sum(norm: str) -> None:
    photo, shown = random_features(0), random_features(1)
    expected = []
    for n in range(2):
        weight = (photo.probabilities[n] * CLASS_WEIGHTS[:, None, None]).sum(0)  # (8, 8)
        terms = []
        for a, b in zip(photo.depths, shown.depths, strict=True):
            cell = 8 // a.shape[-1]
            w = weight.reshape(a.shape[-2], cell, a.shape[-1], cell).mean((1, 3))
            size = float((a[n].abs() * w).mean())
            difference = a[n] - b[n]
            if norm == "l1":
                terms.append(float((difference.abs() * w).mean()) / size)
            else:
                terms.append(float((difference**2 * w).mean()) ** 0.5 / size)
        classes = (photo.probabilities[n] - shown.probabilities[n]).abs() * CLASS_WEIGHTS[:, None, None]
        terms.append(float(classes.mean()) / 0.1)
        expected.append(sum(terms) / len(terms))
    np.testing.assert_allclose(content_distance(photo, shown, norm).numpy(), expected, rtol=1e-4)


def test_equal_features_have_no_distance_and_small_parts_count_more() -> None:
    photo = random_features(0)
    assert float(content_distance(photo, photo).abs().max()) < 1e-6
    assert float(CLASS_WEIGHTS[[3, 4, 5, 6, 8, 10]].min()) > float(CLASS_WEIGHTS[[0, 1, 2]].max())


def with_class(index: int) -> FaceFeatures:
    """Features of a picture that is wholly of one class."""
    probabilities = torch.zeros(1, 11, 8, 8)
    probabilities[:, index] = 1.0
    base = random_features(0, count=1)
    return FaceFeatures(
        image=base.image,
        landmarks=base.landmarks,
        depths=base.depths,
        probabilities=probabilities,
        embedding=base.embedding,
    )


def test_the_image_distance_looks_only_into_the_photos_face() -> None:
    face, nothing = with_class(1), with_class(0)
    brighter = FaceFeatures(
        image=face.image + 0.1,
        landmarks=face.landmarks,
        depths=face.depths,
        probabilities=face.probabilities,
        embedding=face.embedding,
    )
    assert float(image_distance(face, brighter)) == pytest.approx(0.1, rel=1e-4)
    assert float(image_distance(nothing, brighter)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_distances_pass_gradcheck(norm: str) -> None:
    photo, base = (random_features(seed, count=1, size=4, dtype=torch.float64) for seed in (5, 6))
    leaves = [base.image, *base.depths, base.probabilities]
    for leaf in leaves:
        leaf.requires_grad_(True)

    def function(image: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        shown = FaceFeatures(
            image=image,
            landmarks=base.landmarks,
            depths=rest[:2],
            probabilities=rest[2],
            embedding=base.embedding.detach(),
        )
        return content_distance(photo, shown, norm) + image_distance(photo, shown)

    assert torch.autograd.gradcheck(function, leaves)


def total(
    options: FitOptions, error: torch.Tensor | None = None, scales: Scales | None = None
) -> torch.Tensor:
    photo, shown = random_features(0, size=32), random_features(1, size=32)
    sliders = torch.full((2, 4), 0.75)
    return objective(photo, shown, error, sliders, options, scales or Scales()).total


def off(**weights: float) -> FitOptions:
    return FitOptions(
        **{"content_weight": 0.0, "identity_weight": 0.0, "landmark_weight": 0.0, **weights}  # type: ignore[arg-type]
    )


def test_with_all_weights_off_only_the_pull_to_the_average_is_left() -> None:
    np.testing.assert_allclose(total(off(), torch.ones(2)).numpy(), 0.6 * 0.25, rtol=1e-5)
    assert float(total(off(), scales=Scales(prior=0.0)).abs().max()) == 0.0


@pytest.mark.parametrize("weight", ["content_weight", "identity_weight", "landmark_weight"])
def test_every_weight_acts_in_proportion(weight: str) -> None:
    error = torch.tensor([0.1, 0.3])
    nothing = total(off(), error)
    once, twice = total(off(**{weight: 1.0}), error), total(off(**{weight: 2.0}), error)
    assert (once > nothing).all()
    torch.testing.assert_close(twice - nothing, 2 * (once - nothing), rtol=1e-4, atol=1e-5)


def test_the_identity_term_is_one_minus_the_cosine() -> None:
    photo, shown = random_features(0), random_features(1)
    terms = objective(
        photo, shown, None, torch.full((2, 4), 0.5), off(identity_weight=1.0), Scales(identity=3.0)
    )
    cosine = (
        (photo.embedding * shown.embedding).sum(1) / photo.embedding.norm(dim=1) / shown.embedding.norm(dim=1)
    )
    torch.testing.assert_close(terms.similarity, cosine)
    torch.testing.assert_close(terms.total, 3 * (1 - cosine))


def test_the_landmark_term_is_missing_where_the_mesh_is_unknown() -> None:
    torch.testing.assert_close(total(off(landmark_weight=5.0), None), total(off()))


def test_a_person_is_the_mean_of_their_photos() -> None:
    per_photo, owners = torch.tensor([1.0, 5.0, 3.0]), torch.tensor([0, 1, 0])
    torch.testing.assert_close(photo_means(per_photo, owners, torch.tensor([2, 1])), torch.tensor([2.0, 5.0]))


def test_the_extractor_freezes_what_it_is_given() -> None:
    parser, identity = TinyParser().train(), TinyIdentity().train()
    FeatureExtractor(parser, identity)
    assert not parser.training
    assert not any(weight.requires_grad for weight in (*parser.parameters(), *identity.parameters()))
