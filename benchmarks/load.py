"""``python benchmarks/load.py mix|overload|fuzz``: drive a server with many clients and hold it against its bars.

`mix` draws fits, renders and uploads; `overload` asks for ten times what the server can do; `fuzz` sends rubbish
among its work. The server is a process of its own on 127.0.0.1 and ends with this one. Ends with code 1 when a bar
is missed.
"""

import argparse
import importlib
import os
import signal
import sys
from pathlib import Path

from load_report import LoadReport

ROOT = Path(__file__).resolve().parent.parent
_STUDIOS = {"mix": "real", "overload": "real", "fuzz": "fake"}


def main() -> None:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _leave)
    sys.path.append(str(ROOT / "tests"))  # the calls and the fake studio are those of the tests
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    print(
        f"{arguments.part} ({arguments.studio} studio, seed {arguments.seed}); "
        f"load average {load} on {len(os.sched_getaffinity(0))} cores"
    )
    report = LoadReport()
    try:
        importlib.import_module(f"load_{arguments.part}").run(arguments, report)
    except KeyboardInterrupt:
        print("stopped; the server has ended")
        raise SystemExit(130) from None
    for line in report.problems:
        print(f"  ! {line}")
    if arguments.json is not None:
        report.save(arguments.json)
    raise SystemExit(0 if report.is_met else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0].split(": ", 1)[1])
    parts = parser.add_subparsers(dest="part", required=True, metavar="mix|overload|fuzz")
    mix = parts.add_parser("mix", help="clients with a mix of fits, renders and uploads")
    mix.add_argument("--clients", type=_count, default=8, help="at the same time (default 8)")
    mix.add_argument("--seconds", type=_seconds, default=60.0, help="how long (default 60)")
    mix.add_argument(
        "--weights",
        type=_weights,
        default=(1.0, 6.0, 2.0),
        metavar="F,R,U",
        help="how often fits, renders and uploads come (default 1,6,2)",
    )
    overload = parts.add_parser("overload", help="ten times what the server can do")
    overload.add_argument("--seconds", type=_seconds, default=60.0, help="of overload (default 60)")
    overload.add_argument("--factor", type=_seconds, default=10.0, help="times the capacity (default 10)")
    overload.add_argument(
        "--limits",
        choices=("raised", "default", "both"),
        default="both",
        help="limits per client of the server (default both, one after the other)",
    )
    fuzz = parts.add_parser("fuzz", help="malformed requests among valid ones")
    fuzz.add_argument("--requests", type=_count, default=2000, help="all calls (default 2000)")
    fuzz.add_argument("--malformed", type=_count, default=300, help="of them malformed (default 300)")
    for name, part in (("mix", mix), ("overload", overload), ("fuzz", fuzz)):
        part.add_argument("--seed", type=int, default=1, help="of everything random (default 1)")
        part.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")
        part.add_argument(
            "--studio",
            choices=("fake",) if name == "fuzz" else ("real", "fake"),  # the calls name what it has
            default=_STUDIOS[name],
            help=f"the models, or a stand-in (default {_STUDIOS[name]})",
        )
        if name != "fuzz":
            part.add_argument("--iterations", type=_count, default=5, help="steps of a fit (default 5)")
            part.add_argument(
                "--step-secs", type=float, default=0.02, help="of the fake studio, per step (default 0.02)"
            )
    return parser


def _count(text: str) -> int:
    return int(_within(int(text), 1_000_000))


def _seconds(text: str) -> float:
    return _within(float(text), 3600.0)


def _within(value: float, most: float) -> float:
    if not 0 < value <= most:
        raise argparse.ArgumentTypeError(f"{value:g} is not more than 0 and at most {most:g}")
    return value


def _weights(text: str) -> tuple[float, ...]:
    weights = tuple(float(part) for part in text.split(","))
    if len(weights) != 3 or min(weights) < 0 or sum(weights) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not three numbers, not all 0, such as 1,6,2")
    return weights


def _leave(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
