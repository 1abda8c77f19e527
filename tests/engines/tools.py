"""The programs that open what was exported, as Python calls."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from facewright_models.look import Stage, portrait_camera
from facewright_models.look.staging import LIGHTINGS

__all__ = ["ABSENT", "MODULES", "Browser", "Node", "Shot"]

ABSENT = "ENGINE ABSENT"
HERE = Path(__file__).resolve().parent
MODULES = HERE.parents[1] / ".cache" / "engines"
LONGEST_SECS = 280


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture by three.js with our portrait camera: morphs by weight, joints by degrees about an axis."""

    file: Path
    mode: Literal["lit", "unlit", "normals", "mask"]
    morphs: dict[str, float] = field(default_factory=dict)
    turns: dict[str, list[float]] = field(default_factory=dict)
    yaw: float = 0.0


@dataclass(frozen=True)
class Node:
    program: Path
    modules: Path

    def run(self, script: str, *arguments: Path, **environment: str) -> Any:
        """The JSON that a script of this folder prints."""
        done = subprocess.run(
            [self.program, HERE / script, *arguments],
            env={**os.environ, "ENGINE_MODULES": str(self.modules), **environment},
            capture_output=True,
            text=True,
            timeout=LONGEST_SECS,
            check=False,
        )
        assert done.returncode == 0, f"{script}: {done.stderr[-2000:]}"
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Browser:
    node: Node
    program: Path

    def shoot(
        self, shots: list[Shot], folder: Path, *, size_px: int
    ) -> tuple[list[np.ndarray], dict[str, Any]]:
        """(H, W, 3) pictures in order, and what three.js says of the first file. It may not complain."""
        camera = portrait_camera()
        asked = [
            {
                **asdict(shot),
                "file": str(shot.file),
                "out": str(folder / f"shot_{index}.png"),
                "size_px": size_px,
                "fov_degrees": camera.vertical_fov_degrees,
                "camera": camera.world_from_camera[:3, 3].tolist(),
                "background": Stage().background if shot.mode == "lit" else (0, 0, 0),
                "ambient": LIGHTINGS["studio"].ambient,
                "lights": [asdict(light) for light in LIGHTINGS["studio"].lights],
            }
            for index, shot in enumerate(shots)
        ]
        listing = folder / "shots.json"
        listing.write_text(json.dumps(asked))
        answer = self.node.run("shoot.mjs", listing, CHROMIUM=str(self.program))
        assert answer["complaints"] == []
        pictures = [np.asarray(Image.open(entry["out"]).convert("RGB")) for entry in asked]
        return pictures, answer["found"][asked[0]["out"]]
