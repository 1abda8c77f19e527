"""Where frames come from: a Facewright server, or a folder that another renderer has written."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from facewright.client import Client
from facewright.rendering import PASSES
from facewright.rigs import Rig
from facewright.testing.characters import character_of
from facewright.testing.errors import NoFrameError, SceneFileError
from facewright.testing.scenes import NAME_PATTERN, Scene

__all__ = ["FolderFrames", "FrameSource", "ServerFrames"]


class FrameSource(Protocol):
    """Gives the frames of scenes; asked from several threads at once. `backend` names it among references."""

    backend: str

    def frames(self, scene: Scene) -> Mapping[str, bytes]:
        """PNG bytes by pass, of every pass of the scene. Raises the errors of `facewright.errors`, `OSError`."""
        ...


class ServerFrames:
    """Drawn by a server."""

    backend = "facewright"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rigs: dict[str, Rig] = {}
        self._lock = threading.Lock()

    def frames(self, scene: Scene) -> Mapping[str, bytes]:
        """One call of Render. Raises `SceneFileError` for what no server draws, and every error of `Client.render`."""
        unknown = [name for name in scene.passes if name not in PASSES]
        if unknown:
            raise SceneFileError(
                f"{scene.file}: the scene {scene.name!r} has the pass {unknown[0]!r}; a server draws "
                f"{', '.join(PASSES)}"
            )
        drawn = self._client.render(
            character_of(scene, self._rig),
            expression=scene.expression,
            view=scene.view,
            size_px=scene.size_px,
            passes=scene.passes,
            **self._preset(scene),
        )
        return drawn.pngs

    def _rig(self, name: str) -> Rig:
        with self._lock:
            if name not in self._rigs:
                self._rigs[name] = self._client.get_rig(name)
            return self._rigs[name]

    def _preset(self, scene: Scene) -> dict[str, Any]:
        """A preset is never ignored: the frame would be of another one than its reference."""
        if not scene.preset:
            return {}
        if "preset" not in inspect.signature(self._client.render).parameters:
            raise SceneFileError(
                f"{scene.file}: the scene {scene.name!r} asks for the preset {scene.preset!r}; this version of the "
                "client knows no presets: leave it out, or install a newer one"
            )
        return {"preset": scene.preset}


class FolderFrames:
    """Read from PNG files.

    The frame of a pass is the file that the scene names, else ``SCENE.PASS.png``, ``SCENE_PASS.png`` or
    ``SCENE/PASS.png``; of a scene's first pass also ``SCENE.png``.
    """

    backend = "frames"

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise NoFrameError(
                f"{folder} is no folder; expected the folder of PNG files that the renderer wrote"
            )
        self._folder = folder

    def frames(self, scene: Scene) -> Mapping[str, bytes]:
        """Raises `NoFrameError`, which names the files that were looked for, `OSError`."""
        return {name: self._find(scene, name).read_bytes() for name in scene.passes}

    def scenes(self, known: Iterable[str] = ()) -> list[Scene]:
        """A scene of default thresholds for every PNG, and for every known name. Raises `NoFrameError`."""
        names = {path.stem for path in self._folder.glob("*.png")}
        bad = sorted(name for name in names if not NAME_PATTERN.fullmatch(name))
        if bad:
            raise NoFrameError(
                f"{self._folder / bad[0]}.png cannot be the name of a scene; expected letters, digits, '_', '-', "
                "'+' and '.': rename it, or name it under 'frames' in a scene file"
            )
        if not names:
            raise NoFrameError(
                f"{self._folder} has no PNG files; expected one for every scene, directly in it"
            )
        return [Scene(name) for name in sorted(names | set(known))]

    def unused(self, scenes: Iterable[Scene]) -> list[str]:
        """PNG files directly in the folder that no scene compares."""
        used = set()
        for scene in scenes:
            for name in scene.passes:
                used |= {path.resolve() for path in self._candidates(scene, name)}
        return sorted(path.name for path in self._folder.glob("*.png") if path.resolve() not in used)

    def _find(self, scene: Scene, pass_name: str) -> Path:
        candidates = self._candidates(scene, pass_name)
        for path in candidates:
            if path.is_file():
                return path
        tried = " or ".join(str(path) for path in candidates)
        raise NoFrameError(
            f"no frame of {scene.name} ({pass_name}): expected {tried}; did the renderer draw it?"
        )

    def _candidates(self, scene: Scene, pass_name: str) -> list[Path]:
        if pass_name in scene.frames:
            return [self._folder / scene.frames[pass_name]]
        names = [
            f"{scene.name}.{pass_name}.png",
            f"{scene.name}_{pass_name}.png",
            f"{scene.name}/{pass_name}.png",
        ]
        if pass_name == scene.passes[0]:
            names.insert(0, f"{scene.name}.png")
        return [self._folder / name for name in names]
