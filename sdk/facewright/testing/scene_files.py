"""Scene files: one scene, or `scenes` with what they share in `defaults`. docs/golden.md has every key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from facewright.character import Character
from facewright.errors import CharacterFileError
from facewright.rendering import View
from facewright.testing.errors import SceneFileError
from facewright.testing.references import COMMON
from facewright.testing.regions import Box
from facewright.testing.scenes import (
    NAME_PATTERN,
    PASS_PATTERN,
    SOURCES,
    CharacterSource,
    RandomCharacter,
    Scene,
)
from facewright.testing.tables import Table, read_document
from facewright.testing.thresholds import COMPARE_MODES, COUNTS, SHARES, Thresholds, default_thresholds

__all__ = ["is_scene_file", "load_scenes", "scene_files"]

_LARGEST_SIDE = 16384
_SUFFIXES_IN_FOLDERS = (".toml", ".scene.json")


def scene_files(places: Iterable[Path]) -> list[Path]:
    """Files as they are, and the scene files in folders (*.toml, *.scene.json), sorted. Raises `SceneFileError`."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = sorted(p for p in place.rglob("*") if is_scene_file(p) and p.is_file())
            if not inside:
                raise SceneFileError(
                    f"{place} has no scene files; expected files named *.toml or *.scene.json"
                )
            found += inside
        elif place.is_file():
            found.append(place)
        else:
            raise SceneFileError(f"{place} is not there; expected a scene file or a folder of them")
    return list(dict.fromkeys(found))


def load_scenes(places: Iterable[Path]) -> list[Scene]:
    """The scenes of files and folders. Raises `SceneFileError`, also for two scenes of one name."""
    scenes = [scene for path in scene_files(places) for scene in _read_file(path)]
    by_name: dict[str, Scene] = {}
    for scene in scenes:
        other = by_name.setdefault(scene.name.lower(), scene)
        if other is not scene:
            raise SceneFileError(
                f"{scene.file}: the scene {scene.name!r} is also in {other.file}; give every scene a name of its own "
                "(names that differ in case only are one folder on some systems)"
            )
    return scenes


def is_scene_file(path: Path) -> bool:
    """Whether a file of this name is a scene where it lies in a folder of scenes; characters are JSON as well."""
    return not path.name.startswith(".") and path.name.endswith(_SUFFIXES_IN_FOLDERS)


def _read_file(path: Path) -> list[Scene]:
    document = read_document(path)
    if "scenes" not in document:
        return [_read_scene(Table(path, document), default_name=path.stem.removesuffix(".scene"))]
    table = Table(path, document)
    defaults, entries = table.raw("defaults", {}), table.raw("scenes")
    table.finish()
    if not isinstance(entries, list) or not entries:
        raise table.error("scenes", entries, "a list of scenes, at least one")
    if not isinstance(defaults, dict):
        raise table.error("defaults", defaults, "a table of what the scenes share")
    if "name" in defaults:
        raise table.error("defaults.name", defaults["name"], "no name: every scene has its own")
    return [
        _read_scene(
            Table(
                path, _merged(defaults, Table(path, entry, f"scenes[{index}]").raw_all()), f"scenes[{index}]"
            )
        )
        for index, entry in enumerate(entries)
    ]


def _merged(defaults: Mapping[str, Any], entries: Mapping[str, Any]) -> dict[str, Any]:
    """What a scene says wins; tables are merged entry by entry, but for a character, which is one thing."""
    merged = dict(defaults)
    for key, value in entries.items():
        is_table = isinstance(value, dict) and isinstance(merged.get(key), dict) and key != "character"
        merged[key] = _merged(merged[key], value) if is_table else value
    return merged


def _read_scene(table: Table, default_name: str = "") -> Scene:
    name = table.text("name", default_name)
    _check_name(table, "name", name)
    passes = table.texts("passes", ["color"])
    if not all(PASS_PATTERN.fullmatch(pass_name) for pass_name in passes):
        raise table.error("passes", list(passes), "names of at most 40 letters, digits and '_'")
    view = table.table("view")
    boxes, mask = _read_ignored(table)
    backend = table.text("backend")
    if backend:
        _check_name(table, "backend", backend)
        if backend == COMMON:
            raise table.error("backend", backend, "another name: this one is for everybody's pictures")
    scene = Scene(
        name=name,
        file=table.path,
        description=table.text("description"),
        character=_read_character(table),
        expression=table.numbers("expression", 0.0, 1.0),
        view=View(
            view.number("yaw_degrees", 0.0, -90.0, 90.0), view.number("pitch_degrees", 0.0, -60.0, 60.0)
        ),
        size_px=table.whole("size_px", 0, 1, _LARGEST_SIDE) if table.has("size_px") else None,
        passes=passes,
        preset=table.text("preset"),
        source=table.choice("source", SOURCES, "any"),
        backend=backend,
        frames=_read_frames(table, passes),
        thresholds=_read_thresholds(table, passes),
        ignored_boxes=boxes,
        ignored_mask=mask,
    )
    table.raw("size_px")
    view.finish()
    table.finish()
    return scene


def _check_name(table: Table, key: str, name: str) -> None:
    if not NAME_PATTERN.fullmatch(name):
        raise table.error(
            key,
            name,
            "at most 100 letters, digits, '_', '-', '+' and '.', the first a letter, a digit or '_'",
        )


def _read_character(table: Table) -> CharacterSource:
    entry = table.raw("character", {})
    if isinstance(entry, str):
        path = table.path.parent / entry
        if not path.is_file():
            raise table.error("character", entry, f"a save file that is there; looked for {path}")
        return path
    inner = table.table("character")
    if inner.has("random_seed"):
        seed = inner.whole("random_seed", 0, 0, 2**63 - 1)
        character = RandomCharacter(seed, inner.text("rig"))
        inner.finish()
        return character
    colors = {name: _color_entry(inner, name, value) for name, value in _pairs(inner, "colors")}
    try:
        return Character.from_json(json.dumps({**entry, "colors": colors} if colors else entry))
    except CharacterFileError as error:
        raise SceneFileError(
            f"{table.path}: {inner.where} cannot be read ({error}); expected sliders, styles and colors by name, "
            "{ random_seed = 7 }, or the name of a save file"
        ) from error


def _pairs(table: Table, key: str) -> Iterable[tuple[str, Any]]:
    entries = table.raw(key, {})
    if not isinstance(entries, dict):
        raise table.error(key, entries, "a table of colours by name")
    return entries.items()


def _color_entry(table: Table, name: str, value: object) -> object:
    """``[r, g, b]`` in [0, 1] is shorter than what a save file has, and means the same."""
    if not isinstance(value, list):
        return value
    if len(value) != 3:
        raise table.error(f"colors.{name}", value, "red, green and blue in [0, 1]")
    numbers = [table.checked_number(f"colors.{name}", number, 0.0, 1.0) for number in value]
    return dict(zip(("red", "green", "blue"), numbers))


def _read_frames(table: Table, passes: tuple[str, ...]) -> dict[str, str]:
    entry = table.raw("frames", {})
    if isinstance(entry, str):
        entry = {passes[0]: entry}
    if not isinstance(entry, dict):
        raise table.error("frames", entry, "the name of a PNG, or a table of such names by pass")
    for pass_name, name in entry.items():
        if pass_name not in passes:
            raise table.error(f"frames.{pass_name}", name, f"a pass of the scene: {', '.join(passes)}")
        if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise table.error(f"frames.{pass_name}", name, "the name of a PNG inside the folder of --frames")
    return dict(entry)


def _read_thresholds(table: Table, passes: tuple[str, ...]) -> dict[str, Thresholds]:
    """Numbers hold for every pass of the scene; a table named like a pass holds for that one."""
    entries = table.table("thresholds")
    shared = _threshold_entries(entries)
    read = {}
    for pass_name in passes:
        own = entries.table(pass_name)
        read[pass_name] = replace(default_thresholds(pass_name), **{**shared, **_threshold_entries(own)})
        own.finish()
    entries.finish()
    return read


def _threshold_entries(table: Table) -> dict[str, Any]:
    """What is said, by field of `Thresholds`."""
    read: dict[str, Any] = {
        **{key: table.number(key, 0.0, *limits) for key, limits in SHARES.items()},
        **{key: table.whole(key, limits[0], *limits) for key, limits in COUNTS.items()},
        "ignore_alpha": table.boolean("ignore_alpha", default=False),
        "compare": table.choice("compare", COMPARE_MODES, "auto"),
    }
    return {key: value for key, value in read.items() if table.has(key)}


def _read_ignored(table: Table) -> tuple[tuple[Box, ...], Path | None]:
    ignored = table.table("ignore")
    boxes = []
    entries = ignored.raw("boxes", [])
    if not isinstance(entries, list):
        raise ignored.error("boxes", entries, "a list of [x, y, width, height]")
    for index, entry in enumerate(entries):
        is_box = isinstance(entry, list) and len(entry) == 4 and all(type(n) is int for n in entry)
        if not is_box or min(entry[:2]) < 0 or min(entry[2:]) < 1:
            raise ignored.error(
                f"boxes[{index}]", entry, "[x, y, width, height] in whole pixels from the left and the top"
            )
        boxes.append(Box(*entry))
    mask = None
    if ignored.has("mask"):
        mask = table.path.parent / ignored.text("mask")
        if not mask.is_file():
            raise ignored.error("mask", ignored.raw("mask"), f"a PNG that is there; looked for {mask}")
    ignored.raw("mask")
    ignored.finish()
    return tuple(boxes), mask
