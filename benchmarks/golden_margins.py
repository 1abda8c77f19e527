"""``python benchmarks/golden_margins.py``: where the thresholds of facewright.testing lie, and how much room is left.

Draws random characters at 512 pixels, changes each picture in ways that must pass and in ways that must not, and prints
the numbers that the comparator finds beside its thresholds. "Margin" is the threshold over the worst number of what
must pass, and the lowest number of what must fail over the threshold it breaks: above 1 is right.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from facewright.testing.comparison import compare_pictures
from facewright.testing.pictures import Picture
from facewright.testing.thresholds import Thresholds
from facewright_models.foundry.sampling import Posed, random_posed
from facewright_models.look import CharacterRenderer, portrait_camera
from facewright_models.look.baked_head import visible_parts
from facewright_models.look.staging import head_rotation
from facewright_models.rig import BakedRig, expression_vector, load_rig, slider_vector

SIZE_PX = 512
SLIDER_STEP = 0.05
# A slider is well visible on a character when its step moves this many points of the surface that is seen this far.
VISIBLE_POINTS, VISIBLE_PX = 10, 1.0
DEPTH_SLACK_METRES = 0.002
ROOMY_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the comparator said about one changed picture."""

    case: str
    must_pass: bool
    flip_mean: float
    outlier_share: float

    def margin(self, limits: Thresholds) -> float:
        """Above 1 is right, see above."""
        excess = max(self.flip_mean / limits.flip_mean, self.outlier_share / limits.outlier_share)
        if self.must_pass:
            return 1 / excess if excess else float("inf")
        return excess


def changed_pictures(picture: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[str, bool, np.ndarray]]:
    """What can be done to a finished frame: name, whether it must pass, the picture."""
    noise = rng.integers(-1, 2, picture.shape)
    yield "noise of one step in every channel", True, as_bytes(picture.astype(int) + noise)
    yield "shift right by one pixel", False, np.roll(picture, 1, 1)
    yield "shift down by one pixel", False, np.roll(picture, 1, 0)
    yield "left and right swapped", False, np.ascontiguousarray(picture[:, ::-1])
    unit = picture / 255.0
    yield "gamma 2.0 in the place of 2.2", False, as_bytes(255 * unit ** (2.2 / 2.0))
    yield "sRGB curve in the place of 2.2", False, as_bytes(255 * srgb(unit**2.2))
    yield "sRGB applied twice", False, as_bytes(255 * srgb(unit))
    yield "one step brighter everywhere", False, as_bytes(picture.astype(int) + 1)


def srgb(linear: np.ndarray) -> np.ndarray:
    """The curve of IEC 61966-2-1."""
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def supersampled(renderer: CharacterRenderer, posed: Posed, factor: int) -> np.ndarray:
    """The frame drawn larger and averaged: the same picture with more samples at every edge."""
    large = draw(renderer, posed, SIZE_PX * factor).astype(float)
    return as_bytes(large.reshape(SIZE_PX, factor, SIZE_PX, factor, 3).mean((1, 3)))


def draw(renderer: CharacterRenderer, posed: Posed, size_px: int = SIZE_PX) -> np.ndarray:
    frame = renderer.render(
        posed.character, expression=posed.expression, view=posed.view, size_px=size_px
    ).frame
    return np.asarray(frame.color)


def well_visible(rig: BakedRig, renderer: CharacterRenderer, posed: Posed) -> Iterator[tuple[str, Posed]]:
    """Sliders whose step can be seen on this character, and the character after the step."""
    depth = renderer.render(
        posed.character, expression=posed.expression, view=posed.view, size_px=SIZE_PX, passes={"depth"}
    ).frame.depth
    before = projected(rig, posed)
    column, row = (np.clip(before[:, axis].astype(int), 0, SIZE_PX - 1) for axis in (0, 1))
    is_seen = np.abs(np.asarray(depth)[row, column] - before[:, 2]) < DEPTH_SLACK_METRES
    for name in rig.schema.continuous_names:
        value = posed.character.sliders[name]
        step = SLIDER_STEP if value < 0.5 else -SLIDER_STEP
        sliders = {**posed.character.sliders, name: value + step}
        after = replace(posed, character=replace(posed.character, sliders=sliders))
        moved = np.linalg.norm(projected(rig, after)[:, :2] - before[:, :2], axis=1)
        if np.count_nonzero(moved[is_seen] >= VISIBLE_PX) >= VISIBLE_POINTS:
            yield name, after


def projected(rig: BakedRig, posed: Posed) -> np.ndarray:
    """(N, 3) columns, rows and depths of the vertices that the character shows."""
    with torch.inference_mode():
        vertices = rig(
            slider_vector(rig.schema, posed.character)[None],
            expression_vector(rig.schema, posed.expression)[None],
        )[0].numpy()
    turned = vertices @ head_rotation(posed.view).T
    shown = [np.arange(p.vertices.start, p.vertices.stop) for p in visible_parts(rig, posed.character)]
    return portrait_camera().project(turned[np.concatenate(shown)], SIZE_PX)


def measure(character_count: int, seed: int) -> list[Finding]:
    """Every case on every character."""
    rig, rng = load_rig("anny"), np.random.default_rng(seed)
    findings = []
    with CharacterRenderer(rig, size_px=SIZE_PX) as renderer:
        for _ in range(character_count):
            posed = random_posed(rig.schema, rng)
            picture = draw(renderer, posed)
            cases = [
                ("a second run", True, draw(renderer, posed)),
                ("4 x 4 samples at edges", True, supersampled(renderer, posed, 2)),
                ("8 x 8 samples at edges", True, supersampled(renderer, posed, 4)),
                *changed_pictures(picture, rng),
                *((f"slider {n}", False, draw(renderer, p)) for n, p in well_visible(rig, renderer, posed)),
            ]
            for case, must_pass, changed in cases:
                found = compare_pictures(Picture(changed), Picture(picture))
                values = {measured.name: measured.value for measured in found.measures}
                findings.append(Finding(case=case, must_pass=must_pass, **values))
    return findings


def print_table(findings: list[Finding]) -> None:
    limits = Thresholds()
    print(
        f"thresholds: flip_mean {limits.flip_mean}, outlier_share {limits.outlier_share} of FLIP above "
        f"{limits.outlier_flip} in {limits.window_px} x {limits.window_px}"
    )
    print(f"{'case':40} {'must':5} {'flip_mean':>17} {'outlier_share':>15} {'right':>7} {'margin':>8}")
    sliders = [f for f in findings if f.case.startswith("slider ")]
    others = [f for f in findings if not f.case.startswith("slider ")]
    for case in dict.fromkeys(f.case for f in others):
        print_row(case, [f for f in others if f.case == case], limits)
    if sliders:
        print_row(f"well-visible slider by {SLIDER_STEP}", sliders, limits)
        margins = sorted((f.margin(limits), f.case.removeprefix("slider ")) for f in sliders)
        roomy = margins[int((1 - ROOMY_SHARE) * len(margins))][0]
        print(f"  {ROOMY_SHARE:.0%} of {len(margins)} such steps have a margin of at least {roomy:.1f}")
        missed = [f"{name} ({margin:.2f})" for margin, name in margins if margin <= 1]
        print(f"  not noticed: {', '.join(missed) or 'none'}")


def print_row(title: str, found: list[Finding], limits: Thresholds) -> None:
    means, shares = [f.flip_mean for f in found], [f.outlier_share for f in found]
    margins = [f.margin(limits) for f in found]
    right = sum(margin > 1 for margin in margins)
    print(
        f"{title:40} {'pass' if found[0].must_pass else 'fail':5} {min(means):8.4f}-{max(means):8.4f} "
        f"{min(shares):7.3f}-{max(shares):7.3f} {right:3}/{len(found):3} {min(margins):8.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="where the default thresholds of facewright.testing lie")
    parser.add_argument("--characters", type=int, default=6, help="random characters (default 6)")
    parser.add_argument("--seed", type=int, default=2, help="draws them (default 2)")
    parser.add_argument("--json", type=Path, help="also write the findings here")
    arguments = parser.parse_args()
    findings = measure(arguments.characters, arguments.seed)
    print_table(findings)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps([vars(finding) for finding in findings], indent=2) + "\n")


if __name__ == "__main__":
    main()
