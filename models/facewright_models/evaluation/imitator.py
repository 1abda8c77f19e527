"""How well the imitator stands in for the renderer: pixels, and the direction in which sliders pull them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.foundry.capture import SHARD_SIZE
from facewright_models.foundry.sampling import Posed, VectorLayout, random_posed
from facewright_models.imitator import Imitator, load_imitator, register_imitator
from facewright_models.imitator.store import imitator_as_stored
from facewright_models.look import CharacterRenderer, Stage, View
from facewright_models.rig import Character, expression_vector, load_rig

__all__ = ["evaluate", "gradient_fidelity", "measure_and_register", "pixel_scores"]

_SEED = 900_001
"""Captures for training use small seeds; these characters are in none of them."""
_STEP = 0.2
_VISIBLE = 1 / 255
_FACE_CLASSES = (1, 3, 4, 5, 6, 7, 8, 9, 10)
Image = NDArray[np.float32]


def evaluate(
    data: Path | None = None,  # noqa: ARG001 - every evaluation is called the same way
    *,
    limit: int = 500,
    characters: int = 32,
    rig_name: str = "anny",
    imitator: Imitator | None = None,
) -> Report:
    """The table of the imitator, on characters that it never saw. `data` is not needed."""
    network = imitator or load_imitator(rig_name)
    scores = pixel_scores(network, rig_name, count=limit)
    fidelity, visible = gradient_fidelity(network, rig_name, characters=characters)
    good = (fidelity >= 0.8).astype(np.float64)
    l1, mean_l1 = scores["l1"], scores["mean_l1"]
    rows = (
        Row.of_mean(
            "L1 over the character's pixels / that of the mean image",
            l1 / mean_l1.mean(),
            bar=1 / 3,
            lower_is_better=True,
        ),
        Row.of_mean(
            "L1 over the character's pixels (of 255)",
            l1 * 255,
            lower_is_better=True,
            baselines={"mean image": float(mean_l1.mean() * 255)},
        ),
        Row.of_mean(
            "PSNR over the character's pixels (dB)",
            scores["psnr"],
            baselines={"mean image": float(scores["mean_psnr"].mean())},
        ),
        Row(
            name="share of the frame that the character fills",
            measured=float(scores["fill"].mean()),
            n=len(l1),
            bar=0.5,
        ),
        Row.of_mean("visible sliders with gradient cosine >= 0.8", good, bar=0.8),
        Row(
            name="median gradient cosine of visible sliders",
            measured=float(np.median(fidelity)) if len(fidelity) else float("nan"),
            n=len(fidelity),
        ),
    )
    worst = ", ".join(f"{visible[i]} {fidelity[i]:.2f}" for i in np.argsort(fidelity)[:6])
    return Report(
        title=f"imitator of rig '{rig_name}'",
        rows=rows,
        notes=(
            f"{limit} captures of seed {_SEED}, half of them turned or with an expression",
            (
                f"a slider is visible where +-{_STEP} changes the face by >= 1/255 on average over "
                f"{characters} random characters; weakest: {worst}"
            ),
        ),
    )


def measure_and_register(checkpoint: Path, captures: Path, *, from_shipped: bool = False) -> Report:
    """Evaluate what will be stored of a training checkpoint and put it into the package with what was measured."""
    layout = json.loads((captures / "layout.json").read_text())
    rig_name = str(layout["rig"])
    count = len(list(captures.glob("shard_?????.npz"))) * SHARD_SIZE
    report = evaluate(rig_name=rig_name, imitator=imitator_as_stored(checkpoint))
    measured = {row.name: row.measured for row in report.rows}
    register_imitator(
        checkpoint,
        rig_name,
        command="facewright-server train imitator --captures DIR --out FILE --register"
        + (" --from-shipped" if from_shipped else ""),
        data=f"{count} {'paired ' if layout.get('paired') else ''}captures of rig {rig_name} "
        f"{layout['rig_version']}, seed {layout['seed']}"
        + ("; started from the weights before" if from_shipped else ""),
        quality={
            "l1_of_mean_image": round(measured["L1 over the character's pixels / that of the mean image"], 4),
            "psnr_db": round(measured["PSNR over the character's pixels (dB)"], 2),
            "gradient_share": round(measured["visible sliders with gradient cosine >= 0.8"], 3),
        },
    )
    return report


def pixel_scores(network: Imitator, rig_name: str, *, count: int) -> dict[str, NDArray[np.float64]]:
    """Per capture: l1, psnr, fill, and the mean image's l1 and psnr, over the character's pixels."""
    mean = np.zeros((512, 512, 3), np.float64)
    reference = min(count, 250)
    for _, frame, _ in _captures(rig_name, reference, seed=_SEED + 1):
        mean += frame / reference
    rows: dict[str, list[float]] = {name: [] for name in ("l1", "psnr", "fill", "mean_l1", "mean_psnr")}
    background = np.array(Stage().background)
    for vector, frame, _ in _captures(rig_name, count, seed=_SEED):
        with torch.inference_mode():
            imitated = network(vector[None])[0].permute(1, 2, 0).numpy()
        mask = np.abs(frame - background).max(-1) > 2.5 / 255
        rows["fill"].append(float(mask.mean()))
        for prefix, image in (("", imitated), ("mean_", mean)):
            difference = (image - frame)[mask]
            rows[prefix + "l1"].append(float(np.abs(difference).mean()))
            rows[prefix + "psnr"].append(float(-10 * np.log10((difference**2).mean())))
    return {name: np.array(values) for name, values in rows.items()}


def gradient_fidelity(
    network: Imitator, rig_name: str, *, characters: int, size_px: int = 256
) -> tuple[NDArray[np.float64], list[str]]:
    """Mean cosine between imitator's and renderer's change for each visible slider, and their names.

    Both images are (size_px)^2, the size that the losses of a fit compare; as there, a frame comes to that size
    by means over equal areas. (A frame drawn at 256 pixels outright has edges so ragged that a slider's true
    change, drawn eight times finer, has a cosine of only 0.70 to 0.99 with it.) Each change is the image at
    x + 0.2 minus that at x - 0.2.
    """
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    names = rig.schema.continuous_names
    still = expression_vector(rig.schema, {}).numpy()
    generator = np.random.default_rng(_SEED + 2)
    cosines = np.zeros((characters, len(names)))
    changes = np.zeros((characters, len(names)))
    with CharacterRenderer(rig, backend="egl") as renderer:  # twenty thousand frames, alike in both
        for row in counted(range(characters), "character"):
            posed = random_posed(rig.schema, generator, turned=0.0)
            inner = {n: _STEP + (1 - 2 * _STEP) * v for n, v in posed.character.sliders.items()}
            base = replace(posed.character, sliders=inner)
            labels = renderer.render(base, passes={"labels"}).frame.labels
            if labels is None:
                raise RuntimeError("the renderer left out the label pass")
            scale = labels.shape[0] // size_px
            face = np.isin(labels[::scale, ::scale], _FACE_CLASSES)
            vector = layout.encode(replace(posed, character=base))
            for column, name in enumerate(names):
                rendered = _render_change(renderer, base, name, still, size_px)
                imitated = _imitated_change(network, vector, column, size_px)
                changes[row, column] = np.abs(rendered[face]).mean()
                cosines[row, column] = float(
                    (rendered * imitated).sum() / (np.linalg.norm(rendered) * np.linalg.norm(imitated) + 1e-9)
                )
    visible = changes.mean(0) >= _VISIBLE
    return cosines.mean(0)[visible], [n for n, seen in zip(names, visible, strict=True) if seen]


def _render_change(
    renderer: CharacterRenderer, base: Character, name: str, still: NDArray[np.float32], size_px: int
) -> Image:
    frames = []
    for sign in (1, -1):
        sliders = {**base.sliders, name: base.sliders[name] + sign * _STEP}
        character = replace(base, sliders=sliders)
        frame = renderer.draw(character, still, view=View(), size_px=512).color
        if frame is None:
            raise RuntimeError("the renderer left out the colour pass")
        frames.append(frame.astype(np.float32) / np.float32(255))
    change = frames[0] - frames[1]
    scale = change.shape[0] // size_px
    small: Image = change.reshape(size_px, scale, size_px, scale, 3).mean((1, 3))
    return small


def _imitated_change(network: Imitator, vector: Tensor, column: int, size_px: int) -> Image:
    pair = vector.repeat(2, 1)
    pair[0, column] += _STEP
    pair[1, column] -= _STEP
    with torch.inference_mode():
        images = network(pair, size_px=size_px)
    change: Image = (images[0] - images[1]).permute(1, 2, 0).numpy()
    return change


def _captures(rig_name: str, count: int, *, seed: int) -> Iterator[tuple[Tensor, Image, Posed]]:
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    generator = np.random.default_rng(seed)
    with CharacterRenderer(rig) as renderer:
        for _ in range(count):
            posed = random_posed(rig.schema, generator)
            drawn = renderer.render(posed.character, expression=posed.expression, view=posed.view)
            if drawn.frame.color is None:
                raise RuntimeError("the renderer left out the colour pass")
            yield layout.encode(posed), drawn.frame.color.astype(np.float32) / np.float32(255), posed
