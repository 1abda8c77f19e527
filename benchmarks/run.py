"""``python benchmarks/run.py [perception fitting character expression frames service]``: measure, print, keep as JSON.

Results lie in benchmarks/results/NAME.json with the commit and the machine, so that a slower commit shows.
"""

import argparse
import importlib
from pathlib import Path

from timing import write_results

SUITES = ("perception", "fitting", "character", "expression", "frames", "service")
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[-2])
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)} (default: all)")
    parser.add_argument("--repeats", type=int, default=20, help="measured calls per case (default 20)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON files")
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - set(SUITES)
    if unknown:
        parser.error(f"got {', '.join(sorted(unknown))}; expected some of {', '.join(SUITES)}")
    for suite in arguments.suites or SUITES:
        print(f"\n{suite}")
        measurements = importlib.import_module(suite).measure(repeats=arguments.repeats)
        for measurement in measurements:
            print("  " + measurement.line())
        write_results(arguments.out / f"{suite}.json", measurements)


if __name__ == "__main__":
    main()
