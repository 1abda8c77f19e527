"""The imitator: shapes, bounds, gradients, training that resumes, and evaluation that does not train."""

import itertools
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from facewright_models import described_weights
from facewright_models.errors import InvalidInputError, WeightsError
from facewright_models.evaluation import imitator as evaluation_module
from facewright_models.evaluation.imitator import gradient_fidelity, pixel_scores
from facewright_models.foundry import VectorLayout
from facewright_models.imitator import Imitator, ImitatorConfig, load_imitator, register_imitator
from facewright_models.imitator import store as store_module
from facewright_models.imitator import train as train_module
from facewright_models.imitator.dataset import CaptureSet
from facewright_models.imitator.network import WINDOW_PX
from facewright_models.imitator.store import imitator_as_stored
from facewright_models.imitator.train import TrainingSchedule, train
from facewright_models.rig import load_rig
from facewright_models.weights import load_weights, register_weights
from unit.models.capture_folders import write_shard

TINY: dict[str, Any] = {
    "widths": (8, 8, 8, 8, 6, 4, 4), "canonical_channels": (2, 2), "linear_channels": 2,
    "field_rank": 3, "shade_rank": 2,
}  # fmt: skip
TOY: dict[str, Any] = {"sliders": 4, "styles": (2, 3), "colors": 2, "nuisance": 5}
PARAMETERS = 4 + 5 + 3 * 2 + 5


def tiny_imitator(seed: int = 0, **layout: Any) -> Imitator:
    torch.manual_seed(seed)
    return Imitator(ImitatorConfig(**{**TOY, **layout}, **TINY))


def test_the_input_is_as_long_as_its_layout_says() -> None:
    assert tiny_imitator().config.parameters == PARAMETERS


@pytest.mark.parametrize("size_px", [128, 256, 512])
def test_every_exit_has_its_size(size_px: int) -> None:
    images = tiny_imitator()(torch.rand(2, PARAMETERS), size_px=size_px)
    assert images.shape == (2, 3, size_px, size_px)
    assert images.dtype == torch.float32


def test_the_full_size_is_the_default() -> None:
    assert tiny_imitator()(torch.rand(1, PARAMETERS)).shape == (1, 3, 512, 512)


@pytest.mark.parametrize("size_px", [128, 256, 512])
def test_outputs_are_bounded_however_wild_the_weights(size_px: int) -> None:
    network = tiny_imitator()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(30.0)
        images = network(torch.rand(3, PARAMETERS) * 5 - 2, size_px=size_px)
    assert float(images.min()) >= 0.0
    assert float(images.max()) <= 1.0


def test_the_smaller_exits_are_those_of_the_larger_image() -> None:
    network, vector = tiny_imitator(), torch.rand(1, PARAMETERS)
    exits = network.exits(vector, size_px=512)
    assert [tuple(image.shape[-2:]) for image in exits] == [(128, 128), (256, 256), (512, 512)]
    torch.testing.assert_close(network.exits(vector, size_px=256), exits[:2])
    torch.testing.assert_close(network.exits(vector, size_px=128), exits[:1])


@pytest.mark.parametrize("size_px", [128, 256])
def test_every_parameter_has_a_gradient(size_px: int) -> None:
    network = tiny_imitator().requires_grad_(False)
    vector = torch.full((1, PARAMETERS), 0.5, requires_grad=True)
    direction = torch.randn(1, 3, size_px, size_px, generator=torch.Generator().manual_seed(1))
    (network(vector, size_px=size_px) * direction).sum().backward()
    assert vector.grad is not None
    assert (vector.grad.abs() > 0).all()


def test_its_derivative_is_that_of_a_finite_difference() -> None:
    network = tiny_imitator().requires_grad_(False)
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(1, 3, 16, 16, generator=generator)
    weight = functional.interpolate(weight, size=128, mode="bilinear") / 100
    vector = 0.1 + 0.3 * torch.rand(1, PARAMETERS, generator=generator)

    def function(x: torch.Tensor) -> torch.Tensor:
        return (network.exits(x, size_px=128)[0] * weight).sum((1, 2, 3))

    leaf = vector.clone().requires_grad_(True)
    function(leaf).sum().backward()
    assert leaf.grad is not None
    steps = 0.02 * torch.eye(PARAMETERS)
    with torch.inference_mode():
        numeric = (function(vector + steps) - function(vector - steps)) / 0.04
    cosine = functional.cosine_similarity(leaf.grad[0], numeric, dim=0)
    assert float(cosine) > 0.99
    assert float(leaf.grad.norm() / numeric.norm()) == pytest.approx(1.0, abs=0.1)


def test_a_training_window_shows_that_part_of_the_frame() -> None:
    network, vector = tiny_imitator(), torch.rand(1, PARAMETERS)
    row, column = 24, 40
    with torch.inference_mode():
        whole = network.exits(vector, size_px=512)
        part = network.exits(vector, size_px=512, window=(row, column))
    torch.testing.assert_close(part[0], whole[0])
    for scale, image, cut in zip((2, 4), whole[1:], part[1:], strict=True):
        side, margin = WINDOW_PX * scale, 4 * scale
        expected = image[:, :, row * scale : row * scale + side, column * scale : column * scale + side]
        assert cut.shape == expected.shape
        inner = (slice(None), slice(None), slice(margin, -margin), slice(margin, -margin))
        torch.testing.assert_close(cut[inner], expected[inner], atol=1e-4, rtol=0)


def test_colours_act_by_products_so_that_their_derivative_is_exact() -> None:
    network, vector = tiny_imitator(), torch.rand(1, PARAMETERS)
    colors = slice(9, 15)
    step = torch.zeros(1, PARAMETERS)
    step[:, colors] = 0.1
    with torch.inference_mode():
        network.up[0].weight.zero_()  # the bottleneck also sees the colours; the product must not need it
        images = [network.exits(vector + k * step, size_px=128)[0] for k in (-1, 0, 1)]
    torch.testing.assert_close(images[1] - images[0], images[2] - images[1], atol=1e-5, rtol=0)
    assert float((images[2] - images[1]).abs().max()) > 1e-4


def test_a_batch_equals_single_calls() -> None:
    network, vectors = tiny_imitator(), torch.rand(3, PARAMETERS)
    with torch.inference_mode():
        together = network(vectors, size_px=256)
        for index in range(3):
            alone = network(vectors[index : index + 1], size_px=256)
            torch.testing.assert_close(together[index : index + 1], alone, atol=1e-5, rtol=0)


def write_captures(folder: Path, count: int = 6, seed: int = 0) -> None:
    """One shard of smooth pictures that depend on their vectors."""
    generator = np.random.default_rng(seed)
    vectors = generator.uniform(size=(count, PARAMETERS)).astype(np.float32)
    y, x = np.mgrid[0:512, 0:512] / 512
    jpegs = []
    for vector in vectors:
        waves = [np.sin(6 * vector[c] + 9 * x * vector[c + 3] + 5 * y) for c in range(3)]
        picture = ((np.stack(waves, -1) * 0.4 + 0.5) * 255).astype(np.uint8)
        jpegs.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].ravel())
    write_shard(folder, vectors, jpegs, rig="anny")


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    write_captures(tmp_path / "captures")
    return tmp_path / "captures"


def test_captures_come_in_the_asked_size_as_rgb_in_the_unit_interval(captures: Path) -> None:
    data = CaptureSet(captures)
    assert len(data) == 6
    vectors, frames = data.batch(torch.tensor([4, 0]), 512)
    torch.testing.assert_close(vectors, data.parameters[[4, 0]])
    assert frames.shape == (2, 3, 512, 512)
    assert 0.0 <= float(frames.min()) < 0.3
    assert 0.7 < float(frames.max()) <= 1.0
    with np.load(captures / "shard_00000.npz") as shard:
        start, stop = shard["offsets"][4], shard["offsets"][5]
        bgr = cv2.imdecode(shard["jpegs"][start:stop], cv2.IMREAD_COLOR)
    np.testing.assert_allclose(frames[0].permute(1, 2, 0).numpy(), bgr[..., ::-1] / 255, atol=1e-6)


@pytest.mark.parametrize("size_px", [128, 256])
def test_smaller_training_frames_are_the_box_means_that_the_losses_compare(
    size_px: int, captures: Path
) -> None:
    data = CaptureSet(captures)
    full = data.batch(torch.arange(3), 512)[1]
    small = data.batch(torch.arange(3), size_px)[1]
    box = functional.avg_pool2d(full, 512 // size_px)
    assert float((small - box).abs().mean()) < 1.5 / 255


def test_a_folder_without_captures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="facewright-server capture"):
        train(tmp_path, out=tmp_path / "imitator.pt", device="cpu")
    assert not (tmp_path / "imitator.pt").exists()


def test_a_damaged_capture_says_which_one_it_is(captures: Path) -> None:
    data = CaptureSet(captures)
    data._jpegs[2] = np.zeros(10, np.uint8)
    with pytest.raises(InvalidInputError, match="capture 2"):
        data.batch(torch.tensor([2]), 128)


def test_the_schedule_goes_from_coarse_to_fine_with_a_falling_rate() -> None:
    schedule = TrainingSchedule(coarse_share=0.6, learning_rate=1e-3)
    assert [schedule.size_px(p) for p in (0.0, 0.59, 0.61, 1.0)] == [128, 128, 512, 512]
    assert schedule.rate(0.0) == 0.0
    assert schedule.rate(0.01) == pytest.approx(1e-3, rel=0.01)
    assert schedule.rate(0.5) == pytest.approx(0.51e-3, rel=0.01)
    assert schedule.rate(1.0) == pytest.approx(0.02e-3, rel=0.01)


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch, captures: Path) -> Callable[..., Path]:
    """`train` with the tiny network, by a clock on which every step takes one second."""
    module = sys.modules[train.__module__]
    ticks = itertools.count()

    class Clock:
        monotonic = staticmethod(lambda: float(next(ticks)))

    monkeypatch.setattr(module, "time", Clock)
    monkeypatch.setattr(module, "_CHECKPOINT_SECS", 0.0)

    def fresh(rig_name: str, *, known_mesh: bool) -> Imitator:
        return Imitator(ImitatorConfig(**TOY, **TINY))

    monkeypatch.setattr(module, "_fresh_network", fresh)
    monkeypatch.setattr(module, "_config", lambda rig_name, *, known_mesh: ImitatorConfig(**TOY, **TINY))
    schedule = TrainingSchedule(batch_size=2)

    def run(out: Path, *, steps: int, **options: Any) -> Path:
        return train(captures, out=out, device="cpu", minutes=steps / 60, schedule=schedule, **options)

    return run


def state(path: Path) -> dict[str, Any]:
    return dict(torch.load(path, map_location="cpu", weights_only=True))


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def test_a_killed_training_resumes_to_the_same_weights(
    quick_training: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = state(quick_training(tmp_path / "whole.pt", steps=8))
    batch, calls = CaptureSet.batch, itertools.count()

    def killed_in_the_sixth_step(self: CaptureSet, indices: torch.Tensor, size_px: int) -> Any:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return batch(self, indices, size_px)

    with monkeypatch.context() as patch:
        patch.setattr(CaptureSet, "batch", killed_in_the_sixth_step)
        with pytest.raises(KeyboardInterrupt):
            quick_training(tmp_path / "killed.pt", steps=8)
    assert state(tmp_path / "killed.pt")["step"] == 5
    resumed = state(quick_training(tmp_path / "killed.pt", steps=8))
    assert resumed["step"] == whole["step"] == 8
    assert_same(resumed["network"], whole["network"])
    assert_same(resumed["averaged"], whole["averaged"])


def test_the_same_seed_trains_the_same_network_and_another_one_another(
    quick_training: Callable[..., Path], tmp_path: Path
) -> None:
    first = state(quick_training(tmp_path / "a.pt", steps=2))
    again = state(quick_training(tmp_path / "b.pt", steps=2))
    other = state(quick_training(tmp_path / "c.pt", steps=2, seed=1))
    assert_same(first["network"], again["network"])
    assert not torch.equal(first["network"]["canonical_128"], other["network"]["canonical_128"])


def test_pairs_are_drawn_together_and_count_by_what_changes_between_them(
    quick_training: Callable[..., Path], tmp_path: Path, captures: Path
) -> None:
    apart = state(quick_training(tmp_path / "apart.pt", steps=2))
    (captures / "layout.json").write_text('{"rig": "anny", "paired": true}')
    data = CaptureSet(captures)
    drawn = data.draw(40, torch.Generator().manual_seed(0)).view(-1, 2)
    assert (drawn[:, 0] % 2 == 0).all()
    assert (drawn[:, 1] == drawn[:, 0] + 1).all()
    assert len(drawn.unique()) == len(data)
    together = state(quick_training(tmp_path / "together.pt", steps=2))
    assert not torch.equal(apart["network"]["canonical_128"], together["network"]["canonical_128"])


def test_the_distance_of_changes_does_not_depend_on_what_both_images_miss() -> None:
    rendered = torch.rand((4, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    everywhere = train_module._distance(rendered + 0.1, rendered, 1.0)
    assert float(everywhere) == pytest.approx(0.1, abs=1e-5)
    one_still = rendered.clone()
    one_still[1] = rendered[0]  # of two pairs, one does not change at all
    expected = (one_still - rendered).abs().mean() + 0.5
    assert float(train_module._distance(one_still, rendered, 1.0)) == pytest.approx(float(expected), rel=1e-3)
    assert float(train_module._distance(one_still, rendered, 0.0)) == pytest.approx(
        float(expected - 0.5), rel=1e-5
    )


def test_training_goes_on_from_the_shipped_network(
    quick_training: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, names = tiny_imitator(), VectorLayout(load_rig("anny").schema).names
    before = {name: value.clone() for name, value in own.state_dict().items()}
    monkeypatch.setattr(train_module, "shipped", lambda rig_name: (own, names))
    trained = state(quick_training(tmp_path / "on.pt", steps=3, from_shipped=True))
    moved = max(float((trained["network"][name] - before[name]).abs().max()) for name in before)
    assert 0 < moved < 0.01


def test_without_resume_training_starts_anew(quick_training: Callable[..., Path], tmp_path: Path) -> None:
    quick_training(tmp_path / "a.pt", steps=3)
    assert state(quick_training(tmp_path / "a.pt", steps=2, resume=False))["step"] == 2


def test_training_lowers_the_loss(
    quick_training: Callable[..., Path], tmp_path: Path, captures: Path
) -> None:
    data = CaptureSet(captures)
    vectors, frames = data.batch(torch.arange(len(data)), 128)

    def loss(path: Path) -> float:
        trained = state(path)
        network = tiny_imitator()
        network.load_state_dict(trained["network"])
        with torch.inference_mode():
            return float((network(vectors, size_px=128) - frames).abs().mean())

    early = loss(quick_training(tmp_path / "early.pt", steps=1))
    assert loss(quick_training(tmp_path / "late.pt", steps=25)) < 0.9 * early


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where imitators are registered and loaded instead of in the package."""
    folder = tmp_path / "weights"
    monkeypatch.setattr(described_weights, "register_weights", partial(register_weights, folder=folder))
    monkeypatch.setattr(described_weights, "load_weights", partial(load_weights, folder=folder))
    return folder


def test_a_checkpoint_becomes_registered_weights_and_comes_back(
    quick_training: Callable[..., Path], tmp_path: Path, weights_folder: Path
) -> None:
    checkpoint = quick_training(tmp_path / "imitator.pt", steps=2)
    register_imitator(checkpoint, "anny", command="train", data="captures", quality={"l1": 0.5})
    loaded, exact = load_imitator("anny"), tiny_imitator()
    exact.load_state_dict(state(checkpoint)["averaged"])
    assert not loaded.training
    assert loaded.config == exact.config
    vector = torch.rand(1, PARAMETERS)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(vector), exact(vector), atol=0.01, rtol=0)
    floats = sum(value.numel() for value in exact.state_dict().values())
    assert (weights_folder / "imitator_anny.safetensors").stat().st_size < 1.15 * floats + 20_000  # bytes


@pytest.mark.usefixtures("weights_folder")
def test_what_is_measured_before_a_registration_is_what_is_registered(
    quick_training: Callable[..., Path], tmp_path: Path
) -> None:
    checkpoint = quick_training(tmp_path / "imitator.pt", steps=1)
    register_imitator(checkpoint, "anny", command="train", data="captures", quality={"l1": 0.5})
    loaded, measured = load_imitator("anny").state_dict(), imitator_as_stored(checkpoint).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in measured.items())
    assert {value.dtype for value in loaded.values()} == {torch.float32}


@pytest.mark.usefixtures("weights_folder")
def test_an_older_file_all_in_half_precision_is_still_read(
    quick_training: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = quick_training(tmp_path / "imitator.pt", steps=1)
    with monkeypatch.context() as older:
        older.setattr(store_module, "_in_bytes", lambda _: False)
        register_imitator(checkpoint, "anny", command="train", data="captures", quality={"l1": 0.5})
    loaded = load_imitator("anny").state_dict()
    for name, value in state(checkpoint)["averaged"].items():
        assert torch.equal(loaded[name], value.half().float()), name


@pytest.mark.usefixtures("weights_folder")
def test_damaged_weights_are_refused(
    quick_training: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = quick_training(tmp_path / "imitator.pt", steps=1)
    register_imitator(checkpoint, "anny", command="train", data="captures", quality={"l1": 0.5})
    stored = described_weights.load_weights("imitator_anny")
    for change, match in (
        ({"canonical_512:ends": None}, "without 'canonical_512:ends'"),
        ({"up.3.bias": None}, "do not fit their own description"),
        ({"up.3.bias": torch.zeros(3)}, "do not fit their own description"),
    ):
        damaged = {name: value for name, value in {**stored, **change}.items() if value is not None}
        monkeypatch.setattr(described_weights, "load_weights", lambda _, damaged=damaged: dict(damaged))
        with pytest.raises(WeightsError, match=match):
            load_imitator("anny")


def test_weights_without_a_description_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(described_weights, "load_weights", lambda name: {"canonical": torch.zeros(1)})
    with pytest.raises(WeightsError, match="train them again"):
        load_imitator("toy")


def forbid_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("an evaluation must not train")

    monkeypatch.setattr(torch.optim.Optimizer, "__init__", refuse)
    monkeypatch.setattr(torch.optim.Adam, "step", refuse)
    monkeypatch.setattr(torch.optim.SGD, "step", refuse)
    monkeypatch.setattr(torch.Tensor, "backward", refuse)


def test_evaluation_never_runs_an_optimiser_step(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = VectorLayout(load_rig("anny").schema)
    network = tiny_imitator(
        sliders=layout.sliders.stop,
        styles=tuple(block.stop - block.start for block in layout.styles.values()),
        colors=len(layout.colors),
        nuisance=len(layout.nuisance),
    ).eval()
    assert network.config.parameters == layout.size
    before = {name: value.clone() for name, value in network.state_dict().items()}
    forbid_training(monkeypatch)
    change = np.random.default_rng(0).normal(size=(128, 128, 3)).astype(np.float32)
    monkeypatch.setattr(evaluation_module, "_render_change", lambda *arguments: change)
    scores = pixel_scores(network, "anny", count=2)
    assert set(scores) == {"l1", "psnr", "fill", "mean_l1", "mean_psnr"}
    assert all(len(values) == 2 and np.isfinite(values).all() for values in scores.values())
    fidelity, names = gradient_fidelity(network, "anny", characters=1, size_px=128)
    assert len(fidelity) == len(names) == layout.sliders.stop
    assert (np.abs(fidelity) <= 1).all()
    assert_same(network.state_dict(), before)
