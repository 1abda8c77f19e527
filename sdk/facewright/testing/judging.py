"""One frame against its accepted pictures: an outcome, and the pictures that show why."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facewright.errors import FacewrightError
from facewright.testing.comparison import Comparison, compare_pictures
from facewright.testing.errors import PictureShapeError
from facewright.testing.heat import heat_picture
from facewright.testing.masks import ignored_pixels
from facewright.testing.outcomes import DIFFERENT, ERROR, MISSING, PASSED, PassOutcome
from facewright.testing.pictures import Picture, decode_picture, encode_picture, read_picture
from facewright.testing.references import ReferenceKey, ReferenceStore, sha256_of, write_atomically
from facewright.testing.scenes import Scene

__all__ = ["Judge", "failed_pass"]


@dataclass(frozen=True)
class Judge:
    """Compares frames with the references of one key, and keeps pictures of what fails below `out`."""

    references: ReferenceStore
    key: ReferenceKey
    out: Path

    def judge(self, scene: Scene, pass_name: str, content: bytes) -> PassOutcome:
        """The outcome of a frame (PNG bytes). Never raises for what is wrong with frame, mask or reference.

        Raises `MissingExtraError`, and `OSError` when the folder of the run cannot be written.
        """
        started = time.perf_counter()
        key = replace(self.key, backend=scene.backend or self.key.backend)
        base = PassOutcome(
            scene=scene.name,
            pass_name=pass_name,
            status=ERROR,
            summary="",
            description=scene.description,
            backend=key.backend,
            platform=key.platform,
            references=str(self.references.folder),
            reference_folder=key.folder("platform"),
            actual_sha256=sha256_of(content),
        )
        try:
            outcome = self._compared(base, scene, pass_name, content, key)
        except FacewrightError as error:
            kept = self._keep(scene, pass_name, {"actual": content})
            outcome = replace(_with_error(base, error), files=kept)
        return replace(outcome, seconds=time.perf_counter() - started)

    def _compared(
        self, base: PassOutcome, scene: Scene, pass_name: str, content: bytes, key: ReferenceKey
    ) -> PassOutcome:
        as_indices = scene.thresholds_of(pass_name).compare == "values"
        actual = decode_picture(content, source=f"the frame of {base.name}", as_indices=as_indices)
        base = replace(base, size=actual.size_text)
        found = self.references.find(scene.name, pass_name, key)
        if not found.paths:
            return replace(
                base,
                status=MISSING,
                summary=f"no accepted picture in {self._tried(scene, key)}; look at the frame and accept it",
                files=self._keep(scene, pass_name, {"actual": content}),
            )
        base = replace(
            base,
            level=found.level,
            reference_folder=key.folder(found.level),
            reference_count=len(found.paths),
        )
        expected = [read_picture(path, as_indices=as_indices) for path in found.paths]
        compared = _nearest(actual, expected, scene, pass_name)
        if isinstance(compared, PictureShapeError):
            kept = self._keep(scene, pass_name, {"actual": content, "expected": found.paths[0].read_bytes()})
            return replace(base, status=DIFFERENT, summary=str(compared), files=kept)
        place, comparison = compared
        outcome = replace(
            base,
            status=PASSED if comparison.is_within else DIFFERENT,
            summary=_in_words(comparison, actual),
            method=comparison.method,
            measures={m.name: (m.value, m.allowed) for m in comparison.measures},
            outlier_flip=scene.thresholds_of(pass_name).outlier_flip,
            changed_share=comparison.changed_share,
            changed_box=comparison.changed.numbers if comparison.changed else None,
            densest_box=comparison.densest.numbers if comparison.densest else None,
            reference=found.paths[place].relative_to(self.references.folder).as_posix(),
        )
        if comparison.is_within:
            return outcome
        pictures = {
            "actual": content,
            "expected": found.paths[place].read_bytes(),
            "diff": _diff(comparison, expected[place], outcome),
        }
        return replace(outcome, files=self._keep(scene, pass_name, pictures))

    def _keep(self, scene: Scene, pass_name: str, contents: Mapping[str, bytes]) -> dict[str, str]:
        """Write SCENE/PASS.KIND.png below `out`."""
        names = {kind: f"{scene.name}/{pass_name}.{kind}.png" for kind in contents}
        for kind, content in contents.items():
            write_atomically(self.out / names[kind], content)
        return names

    def _tried(self, scene: Scene, key: ReferenceKey) -> str:
        folders = ", ".join(key.folder(level) for level in ("platform", "backend", "common"))
        return f"{self.references.folder / scene.name} ({folders})"


def failed_pass(scene: Scene, pass_name: str, error: Exception) -> PassOutcome:
    """The outcome of a pass of which there is no frame."""
    return _with_error(PassOutcome(scene.name, pass_name, ERROR, "", description=scene.description), error)


def _with_error(outcome: PassOutcome, error: Exception) -> PassOutcome:
    kind = type(error).__name__
    reason = error.reason if isinstance(error, FacewrightError) else ""
    return replace(outcome, summary=str(error) or kind, error_class=kind, error_reason=reason)


def _nearest(
    actual: Picture, expected: list[Picture], scene: Scene, pass_name: str
) -> tuple[int, Comparison] | PictureShapeError:
    """The first accepted picture that matches, else the one that comes nearest, else why none can be compared."""
    height, width = actual.pixels.shape[:2]
    ignored = ignored_pixels(scene.ignored_boxes, scene.ignored_mask, height=height, width=width)
    thresholds = scene.thresholds_of(pass_name)
    compared: list[tuple[int, Comparison]] = []
    refusal: PictureShapeError | None = None
    for place, picture in enumerate(expected):
        try:
            comparison = compare_pictures(actual, picture, thresholds=thresholds, ignored=ignored)
        except PictureShapeError as error:
            refusal = refusal or error
            continue
        if comparison.is_within:
            return place, comparison
        compared.append((place, comparison))
    if not compared:
        return refusal or PictureShapeError("there is no accepted picture to compare with")
    return min(compared, key=lambda pair: pair[1].excess)


def _diff(comparison: Comparison, expected: Picture, outcome: PassOutcome) -> bytes:
    outlier = outcome.outlier_flip if comparison.method == "flip" else 0.34
    heat: Any = comparison.heat
    return encode_picture(heat_picture(heat, expected, outlier=outlier))


def _in_words(comparison: Comparison, picture: Picture) -> str:
    """What a reader sees first: where, and which number broke its threshold."""
    if comparison.method == "identical":
        return "identical"
    numbers = "; ".join(
        f"{m.name} {_number(m.value)} ({'at most' if m.is_within else 'allowed'} {_number(m.allowed)})"
        for m in comparison.measures
        if comparison.is_within or not m.is_within
    )
    if comparison.is_within:
        return f"within its thresholds: {numbers}"
    return f"{_where(comparison, picture)}: {numbers}"


def _where(comparison: Comparison, picture: Picture) -> str:
    box, share = comparison.changed, comparison.changed_share
    if box is None:
        return "slightly different everywhere"
    height, width = picture.pixels.shape[:2]
    if share > 0.25:
        return f"{share:.0%} of the picture changed"
    rows = ("top", "middle", "bottom")[min(2, int(3 * (box.y + box.height / 2) / height))]
    columns = ("left", "centre", "right")[min(2, int(3 * (box.x + box.width / 2) / width))]
    place = (
        "the whole height and width" if box.width * box.height > 0.5 * width * height else f"{rows} {columns}"
    )
    return f"{share:.2%} of the pixels changed, {place} ({box.width}x{box.height} at {box.x},{box.y})"


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if value >= 0.0001 or value == 0 else f"{value:.1e}"
