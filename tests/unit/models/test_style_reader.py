"""The style reader: what it looks at, what it learns from, and that a fit keeps what it reads."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from facewright_models import described_weights
from facewright_models.errors import InvalidInputError, WeightsError
from facewright_models.fitting import FitOptions
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.read_styles import read_styles, tried_styles
from facewright_models.fitting.variables import FitVariables
from facewright_models.foundry import VectorLayout
from facewright_models.photo import Photo
from facewright_models.rig import BakedRig
from facewright_models.style_reader import (
    StyleLabels,
    StyleReader,
    StyleReaderConfig,
    load_style_reader,
    reader_inputs,
    reduced,
    register_style_reader,
)
from facewright_models.style_reader import dataset as dataset_module
from facewright_models.style_reader import train as train_module
from facewright_models.style_reader.dataset import LabelledFaces, captured_faces, labelled_photos
from facewright_models.style_reader.network import BAND
from facewright_models.style_reader.train import TrainOptions, agreement, train
from facewright_models.weights import load_weights, register_weights
from unit.models.fitting_stand_ins import TOY_SCHEMA, TinyParser, tiny_extractor

SIZES: dict[str, Any] = {
    "face_widths": (4, 4, 8, 8), "band_widths": (4, 4, 8, 8), "narrow": 2, "hidden": 16, "dropout": 0.0,
}  # fmt: skip


def toy_reader(slots: tuple[str, ...] = ("hair",), options: tuple[int, ...] = (3,)) -> StyleReader:
    torch.manual_seed(0)
    return StyleReader(StyleReaderConfig(slots=slots, options=options, **SIZES)).eval()


def seen(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    frames = torch.rand(count, 3, 512, 512, generator=generator)
    classes = torch.rand(count, 11, 256, 256, generator=generator)
    return frames, classes / classes.sum(1, keepdim=True)


def test_every_slot_has_logits_for_its_options() -> None:
    answer = toy_reader(("hair", "brows"), (3, 5))(*reader_inputs(*reduced(*seen(2))))
    assert {slot: tuple(logits.shape) for slot, logits in answer.items()} == {"hair": (2, 3), "brows": (2, 5)}


def test_light_that_is_added_everywhere_is_not_seen() -> None:
    frames, classes = seen(1)
    dark, light = (reader_inputs(*reduced(some, classes)) for some in (0.5 * frames, 0.5 * frames + 0.3))
    for before, after in zip(dark, light, strict=True):
        torch.testing.assert_close(before, after, atol=1e-4, rtol=0)


def test_the_band_is_what_lies_there_in_the_frame() -> None:
    frames, classes = seen(1)
    classes = torch.zeros_like(classes)
    classes[:, 1] = 1.0  # all of it is skin: the tone is the mean of the frame
    band = reader_inputs(*reduced(frames, classes))[1]
    expected = 3 * (frames[:, :, BAND[0], BAND[1]] - frames.mean((2, 3), keepdim=True))
    torch.testing.assert_close(band, expected, atol=1e-3, rtol=0)


class ScriptedReader(StyleReader):
    """Answers one face after the other as it was told."""

    def __init__(self, *answers: list[float]) -> None:
        torch.nn.Module.__init__(self)
        self.answers = iter(answers)

    def forward(self, faces: torch.Tensor, bands: torch.Tensor) -> dict[str, torch.Tensor]:
        answer = torch.tensor([next(self.answers) for _ in faces])
        return {"hair": answer, "brows": answer}


def test_hair_of_a_person_is_read_from_all_photos_together() -> None:
    """Person 0 has two photos, of which one is sure; person 1 has one."""
    frame = np.zeros((512, 512, 3), np.uint8)
    photo = AlignedPhoto(
        subject=0,
        photo=Photo(pixels=frame, warnings=()),
        photo_landmarks=np.zeros((68, 2)),
        frame_from_photo=np.eye(2, 3),
        frame=frame,
        landmarks=np.zeros((68, 2)),
        warnings=(),
    )
    marks = torch.zeros(3, 68, 2)
    features = tiny_extractor()(torch.zeros(3, 3, 512, 512), marks)
    reader = ScriptedReader([0.2, 0.0, 0.0], [0.0, 0.0, 5.0], [0.0, 1.0, 0.0])
    read = read_styles(reader, [photo] * 3, features, torch.tensor([0, 0, 1]))
    assert set(read) == {"hair", "brows"}
    assert read["hair"].argmax(1).tolist() == [2, 1]


def test_a_glance_tries_nothing(rig: BakedRig) -> None:
    reader = ScriptedReader()
    assert tried_styles(rig.schema, reader, FitOptions()) == {"brows"}
    assert tried_styles(rig.schema, reader, FitOptions(mode="fast")) == frozenset()
    assert tried_styles(rig.schema, None, FitOptions()) == frozenset(rig.schema.styles)


def test_what_is_settled_is_adjusted_no_more_and_locks_come_first() -> None:
    layout = VectorLayout(TOY_SCHEMA)
    free = FitVariables(layout, torch.tensor([0, 1]), FitOptions())
    free.settle({"hair": torch.tensor([2, 0])})
    assert [character.styles["hair"] for character in free.characters()] == ["long", "bald"]
    assert free.leaves()["styles"] == []
    assert free.style_probabilities(4.0)["hair"].tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    assert free.narrowed(torch.tensor([1]), torch.tensor([1])).characters()[0].styles["hair"] == "bald"
    locked = FitVariables(layout, torch.tensor([0]), FitOptions(locked_styles={"hair": "short"}))
    locked.settle({"hair": torch.tensor([2])})
    assert locked.characters()[0].styles["hair"] == "short"


def test_cropped_hair_has_the_colour_of_the_brows(rig: BakedRig) -> None:
    layout = VectorLayout(rig.schema)
    variables = FitVariables(layout, torch.tensor([0, 1]), FitOptions())
    options = layout.schema.styles["hair"].options
    variables.settle({"hair": torch.tensor([options.index("buzz"), options.index("bob")])})
    hair, brows = torch.tensor([[0.6, 0.4, 0.3]] * 2), torch.tensor([[0.1, 0.1, 0.1]] * 2)
    variables.set_colors({"hair": hair, "brows": brows})
    torch.testing.assert_close(variables.colors["hair"], torch.stack([brows[0], hair[1]]))


def test_photos_are_held_out_by_person_and_smiles_share_the_label(tmp_path: Path) -> None:
    for name in (
        "london/neutral/001_03",
        "london/neutral/004_03",
        "london/smiling/001_08",
        "london/neutral/999_03",
    ):
        path = tmp_path / "faces" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = {path.stem: (right.hair, held_out) for path, right, held_out in labelled_photos(tmp_path)}
    assert set(found) == {"001_03", "004_03", "001_08"}
    assert found["001_03"] == found["001_08"] == (frozenset({"bun"}), False)
    assert found["004_03"][1]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, rig: BakedRig) -> TrainOptions:
    """Four captures to train on, two held out, two photos, and networks that take no time."""
    monkeypatch.setattr(train_module, "_HELD_OUT", 2)
    monkeypatch.setattr(train_module, "_REPORT_STEPS", 4)
    monkeypatch.setattr(dataset_module, "load_parser", TinyParser)
    monkeypatch.setattr(
        train_module, "StyleReaderConfig", lambda **layout: StyleReaderConfig(**layout, **SIZES)
    )
    right = StyleLabels(hair=frozenset({"bun"}), facial_hair=frozenset({"none"}), brows=frozenset({"thin"}))
    monkeypatch.setattr(
        train_module,
        "labelled_photos",
        lambda data: [(data / "a", right, False), (data / "b", right, False), (data / "c", right, True)],
    )

    def faces(own: BakedRig, photos: list[tuple[Path, StyleLabels]]) -> LabelledFaces:
        generator = torch.Generator().manual_seed(0)

        def noise(*shape: int) -> torch.Tensor:
            return torch.randint(0, 255, (len(photos), *shape), dtype=torch.uint8, generator=generator)

        accepted = {
            slot: torch.tensor(
                [[float(right.accepts(slot, option)) for option in parameter.options]] * len(photos)
            )
            for slot, parameter in own.schema.styles.items()
        }
        return LabelledFaces(
            pixels=noise(3, 128, 128),
            classes=noise(11, 128, 128),
            bands=noise(3, 112, 256),
            accepted=accepted,
        )

    monkeypatch.setattr(train_module, "photographed_faces", faces)
    return TrainOptions(captures=6, steps=12, batch_captures=3, batch_photos=2)


def test_captures_are_parsed_once_and_know_their_styles(
    captures: Path, rig: BakedRig, tmp_path: Path, quick: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = captured_faces(captures, rig, count=6, cache=tmp_path / "seen")
    monkeypatch.setattr(dataset_module, "_seen", lambda images: pytest.fail("was kept"))
    again = captured_faces(captures, rig, count=6, cache=tmp_path / "seen")
    torch.testing.assert_close(first.classes, again.classes, rtol=0, atol=0)
    assert first.pixels.shape == (6, 3, 128, 128)
    block = VectorLayout(rig.schema).styles["hair"]
    with np.load(captures / "shard_00000.npz") as shard:
        np.testing.assert_array_equal(first.accepted["hair"].numpy(), shard["parameters"][:, block])
        jpeg = shard["jpegs"][: shard["offsets"][1]]
    frame = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert frame is not None
    assert abs(float(first.pixels[0].float().mean()) - float(frame.mean())) < 40


def test_a_training_cut_short_resumes_to_the_same_weights(
    captures: Path, tmp_path: Path, quick: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tmp_path, captures, out=tmp_path / "whole.pt", options=quick)
    shutil.copytree(tmp_path / "whole.seen", tmp_path / "killed.seen")

    def killed(*arguments: Any) -> dict[str, float]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_module, "agreement", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, captures, out=tmp_path / "killed.pt", options=quick)
    resumed = train(tmp_path, captures, out=tmp_path / "killed.pt", options=quick)
    first, second = (torch.load(path, weights_only=True) for path in (whole, resumed))
    assert first["step"] == second["step"] == 12
    for name, value in first["averaged"].items():
        torch.testing.assert_close(value, second["averaged"][name], rtol=0, atol=0)


def test_training_learns_what_it_is_shown(
    captures: Path, tmp_path: Path, quick: TrainOptions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    train(tmp_path, captures, out=tmp_path / "styles.pt", options=quick)
    losses = [
        float(r.getMessage().split("loss ")[1].split(",")[0])
        for r in caplog.records
        if "loss" in r.getMessage()
    ]
    assert losses[-1] < losses[0]


def test_too_few_captures_are_refused(captures: Path, tmp_path: Path, quick: TrainOptions) -> None:
    with pytest.raises(InvalidInputError, match="holds 6 captures; expected 7000"):
        train(tmp_path, captures, out=tmp_path / "a.pt")


def test_agreement_counts_any_accepted_option() -> None:
    faces = LabelledFaces(
        pixels=torch.zeros(2, 3, 128, 128, dtype=torch.uint8),
        classes=torch.zeros(2, 11, 128, 128, dtype=torch.uint8),
        bands=torch.zeros(2, 3, 112, 256, dtype=torch.uint8),
        accepted={"hair": torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])},
    )
    reader = toy_reader()
    with torch.no_grad():
        reader.answer.weight.zero_()
        reader.answer.bias.copy_(torch.tensor([0.0, 1.0, 0.0]))
    assert agreement(reader, faces, torch.arange(2)) == {"hair": 0.5}


def test_a_stored_reader_comes_back_and_one_of_other_styles_is_refused(
    rig: BakedRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(described_weights, "register_weights", partial(register_weights, folder=folder))
    monkeypatch.setattr(described_weights, "load_weights", partial(load_weights, folder=folder))
    slots = {slot: len(parameter.options) for slot, parameter in rig.schema.styles.items()}
    reader = toy_reader(tuple(slots), tuple(slots.values()))
    config = {"slots": list(slots), "options": list(slots.values()), **SIZES}
    torch.save({"averaged": reader.state_dict(), "config": config}, tmp_path / "reader.pt")
    register_style_reader(tmp_path / "reader.pt", "anny", command="c", data="d", quality={"hair": 0.5})
    loaded = load_style_reader(rig.schema)
    for name, value in reader.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, atol=1e-3, rtol=1e-2)
    config["options"] = [1 + count for count in slots.values()]
    wider = toy_reader(tuple(slots), tuple(config["options"]))
    torch.save({"averaged": wider.state_dict(), "config": config}, tmp_path / "reader.pt")
    register_style_reader(tmp_path / "reader.pt", "anny", command="c", data="d", quality={"hair": 0.5})
    with pytest.raises(WeightsError, match="train it again"):
        load_style_reader(rig.schema)
