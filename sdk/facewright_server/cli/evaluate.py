"""``facewright-server eval TABLE``: measure a model and print the table of its quality."""

import argparse
from importlib import import_module
from pathlib import Path

from facewright_server.cli.arguments import existing_folder, positive_int
from facewright_server.cli.output import show_progress, write_whole

__all__ = ["add_to"]

_TABLES = {
    "fit": "photos -> characters: likeness, retrieval, landmarks, seconds",
    "texture": "smiling photos -> characters with their own skin, from three sides",
    "parsing": "11 classes against labelled photos",
    "stability": "two photos of a person, and a mirrored one -> characters, and how far they are apart",
    "robustness": "photos with bad light, blur, glasses, few pixels ... -> characters: accuracy against strength",
    "ablation": "the fit without each of its terms in turn, and with those that are off",
    "photos": "several photos of one person against one",
    "recovery": "own characters -> frames -> characters: vertices, sliders, styles",
    "refit": "edited characters: who is still recognised, how far presets move, what is locked",
    "identity": "the embedding network against its reference, and on pairs of photos",
    "detection": "how often a face is found: in photos, small, tilted and turned ones, and in random characters",
    "landmarks": "points against marked photos of people nothing was trained on, and against renders",
    "closer-look": "eyes, brows and mouths of people nothing was trained on, looked at closer",
    "expression": "photos with other expressions: real smiles, requested degrees, who it still is",
    "imitator": "the imitator against the renderer, on unseen captures",
    "styles": "whether every hairstyle fits every head",
}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command and one sub-command per table."""
    parser = commands.add_parser("eval", help="measure a model", description=__doc__)
    tables = parser.add_subparsers(title="tables", required=True, metavar="TABLE")
    for name, help_text in _TABLES.items():
        table = tables.add_parser(name, help=help_text)
        table.add_argument(
            "--data",
            type=existing_folder,
            required=name not in {"detection", "imitator", "recovery", "refit", "styles"},
            metavar="DIR",
            help="folder with the test data",
        )
        table.add_argument("--json", type=Path, metavar="FILE", help="also write the table as JSON")
        table.set_defaults(run=_run, table=name)
        _add_options(name, table)


def _add_options(name: str, table: argparse.ArgumentParser) -> None:
    """What only some tables take; an option that is not given keeps the default of the table."""
    if name not in {"closer-look", "identity", "parsing"}:
        table.add_argument("--limit", type=positive_int, metavar="N", help="only the first N cases")
    if name in {"expression", "fit", "landmarks", "refit", "robustness", "texture"}:
        table.add_argument(
            "--sheet", type=Path, metavar="PNG", help="also write what was compared, side by side"
        )
    if name in {"ablation", "photos", "robustness"}:
        only = {
            "ablation": "only these terms",
            "photos": "only own or people",
            "robustness": "only these disturbances, smile or turn",
        }
        table.add_argument("--only", nargs="+", metavar="NAME", help=only[name])
    if name in {"refit", "texture"}:
        table.add_argument("--rig", dest="rig_name", metavar="NAME", help="rig to fit (anny)")
    if name == "fit":
        table.add_argument(
            "--no-identity-off",
            dest="without_identity",
            action="store_false",
            default=None,
            help="leave out the rows with the identity loss off, which take as long as the others",
        )
        table.add_argument("--mode", choices=("refine", "fast"), help="how photos are fitted (refine)")
    if name == "imitator":
        table.add_argument(
            "--characters", type=positive_int, metavar="N", help="characters for gradients (32)"
        )
    if name == "expression":
        table.add_argument(
            "--folds",
            type=existing_folder,
            metavar="DIR",
            help="fold_0.pt to fold_3.pt, each without a quarter",
        )
        table.add_argument(
            "--plot", type=Path, metavar="PNG", help="also plot requested against measured degrees"
        )
    if name in {"closer-look", "parsing"}:
        table.add_argument(
            "--captures", type=existing_folder, metavar="DIR", help="captures no training has seen"
        )


def _run(arguments: argparse.Namespace) -> None:
    show_progress()
    module = import_module(f"facewright_models.evaluation.{arguments.table.replace('-', '_')}")
    names = {
        "limit",
        "captures",
        "sheet",
        "without_identity",
        "characters",
        "rig_name",
        "only",
        "mode",
        "folds",
        "plot",
    }
    names &= vars(arguments).keys()
    options = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    report = module.evaluate(arguments.data, **options)
    print(report.to_text())
    if arguments.json is not None:
        write_whole(arguments.json, report.to_json().encode())
