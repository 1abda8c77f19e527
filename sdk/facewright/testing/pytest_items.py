"""Scene files as pytest collects them: one test for every scene."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from facewright.errors import FacewrightError
from facewright.testing.errors import GoldenError
from facewright.testing.judging import failed_pass
from facewright.testing.pytest_session import golden_message, note_outcome
from facewright.testing.scene_files import is_scene_file, load_scenes
from facewright.testing.scenes import Scene

__all__ = ["SceneFile", "SceneItem", "scene_file_of"]


class _NotAsAcceptedError(Exception):
    """Some pass of the scene needs a look; the message says which and why."""


def scene_file_of(path: Path, parent: pytest.Collector, places: Sequence[Path]) -> pytest.Collector | None:
    """A collector when the file was named, or is a scene file in a folder that was."""
    for place in places:
        if path == place or (place in path.parents and is_scene_file(path)):
            base = place if place.is_dir() else place.parent
            collector: SceneFile = SceneFile.from_parent(parent, path=path)
            collector.default_references = base / "references"
            return collector
    return None


class SceneFile(pytest.File):
    """A file with one scene or several."""

    default_references: Path

    def collect(self) -> Iterable[pytest.Item]:
        """One item for every scene."""
        try:
            scenes = load_scenes([self.path])
        except GoldenError as error:
            raise self.CollectError(str(error)) from error
        for scene in scenes:
            item: SceneItem = SceneItem.from_parent(self, name=scene.name, scene=scene)
            yield item


class SceneItem(pytest.Item):
    """Draws a scene and compares every pass."""

    def __init__(self, *, scene: Scene, **rest: Any) -> None:
        super().__init__(**rest)
        self.scene = scene

    def runtest(self) -> None:
        """Fails when any pass is not as accepted."""
        # Imported here: the plugin is the entry, and this module what it leads to.
        from facewright_pytest import golden_session

        session = golden_session(self.config)
        try:
            source = session.source_of(self.scene)
            frames = source.frames(self.scene)
        except (FacewrightError, OSError) as error:
            for name in self.scene.passes:
                note_outcome(self, failed_pass(self.scene, name, error))
            raise
        outcomes = [
            session.judge(self, self.scene, name, frames[name], self._references(), source.backend)
            for name in self.scene.passes
        ]
        problems = [golden_message(outcome, session.out) for outcome in outcomes if outcome.needs_attention]
        if problems:
            raise _NotAsAcceptedError("\n".join(problems))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone: a traceback through the kit helps nobody."""
        if isinstance(excinfo.value, (FacewrightError, _NotAsAcceptedError, OSError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The file and the scene."""
        return self.path, None, f"scene: {self.scene.name}"

    def _references(self) -> Path:
        said = self.config.getoption("facewright_references", default=None)
        if said:
            return Path(said).absolute()
        parent = self.getparent(SceneFile)
        return parent.default_references if parent is not None else self.path.parent / "references"
