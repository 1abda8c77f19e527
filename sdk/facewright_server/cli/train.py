"""``facewright-server train NETWORK``: train a network of the product; resumes where it stopped."""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from facewright_server.cli.arguments import (
    add_device,
    add_seed,
    existing_folder,
    positive_float,
    positive_int,
)
from facewright_server.cli.output import show_progress

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command and one sub-command per network."""
    parser = commands.add_parser("train", help="train a network", description=__doc__)
    networks = parser.add_subparsers(title="networks", required=True, metavar="NETWORK")

    imitator = networks.add_parser("imitator", help="parameters -> frame, from captures")
    imitator.add_argument(
        "--captures", type=existing_folder, required=True, metavar="DIR", help="shards made by capture"
    )
    imitator.add_argument("--minutes", type=positive_float, help="stop after this time (default: when done)")
    imitator.add_argument(
        "--unknown-mesh",
        action="store_true",
        help="start from noise, as for a game of which only captures are known",
    )
    imitator.add_argument(
        "--from-shipped", action="store_true", help="go on from the shipped imitator of the rig"
    )
    imitator.add_argument(
        "--register", action="store_true", help="then measure it and put it into the package"
    )
    imitator.set_defaults(run=_train_imitator)

    parsing = networks.add_parser("parsing", help="photo -> 11 classes, from labelled photos and captures")
    parsing.add_argument(
        "--data", type=existing_folder, required=True, metavar="DIR", help="folder with labelled photos"
    )
    parsing.add_argument("--captures", type=existing_folder, metavar="DIR", help="shards made by capture")
    parsing.add_argument(
        "--register", action="store_true", help="then measure it and put it into the package"
    )
    parsing.set_defaults(run=_train_parsing)

    translator = networks.add_parser(
        "translator", help="what is known of a face -> parameters, from captures and photos"
    )
    translator.add_argument(
        "--captures", type=existing_folder, required=True, metavar="DIR", help="shards made by capture"
    )
    translator.add_argument(
        "--data",
        type=existing_folder,
        metavar="DIR",
        help="folder with photos, from which it learns through the imitator (default: none)",
    )
    translator.add_argument("--count", type=positive_int, help="captures to use (default 12000)")
    translator.add_argument(
        "--register", action="store_true", help="then measure it and put it into the package"
    )
    translator.set_defaults(run=_train_translator)

    identity = networks.add_parser(
        "identity-imitator", help="parameters -> identity embedding of their frame, from captures"
    )
    identity.add_argument(
        "--captures", type=existing_folder, required=True, metavar="DIR", help="shards made by capture"
    )
    identity.add_argument(
        "--register", action="store_true", help="then measure it and put it into the package"
    )
    identity.set_defaults(run=_train_identity_imitator)

    styles = networks.add_parser("styles", help="aligned face -> styles, from labelled photos and captures")
    styles.add_argument(
        "--data", type=existing_folder, required=True, metavar="DIR", help="folder with the London photos"
    )
    styles.add_argument(
        "--captures", type=existing_folder, required=True, metavar="DIR", help="shards made by capture"
    )
    styles.add_argument("--steps", type=positive_int, help="how often to adjust (default 3000)")
    styles.add_argument("--register", action="store_true", help="then measure it and put it into the package")
    styles.set_defaults(run=_train_styles)

    plausible = networks.add_parser(
        "plausible-faces", help="which combinations of sliders people have, from fits of photos"
    )
    plausible.add_argument(
        "--data", type=existing_folder, required=True, metavar="DIR", help="folder with photos"
    )
    plausible.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the fits")
    plausible.set_defaults(run=_train_plausible_faces)

    landmarks = networks.add_parser("landmarks", help="face -> points, from marked photos and face captures")
    landmarks.add_argument(
        "--data", type=existing_folder, required=True, metavar="DIR", help="folder with the London photos"
    )
    landmarks.add_argument(
        "--captures",
        type=existing_folder,
        required=True,
        metavar="DIR",
        help="shards made by capture --faces",
    )
    landmarks.add_argument(
        "--register", action="store_true", help="then measure it and put it into the package"
    )
    landmarks.set_defaults(run=_train_landmarks)

    closer = networks.add_parser("closer-look", help="windows of eyes and mouth -> points, as for landmarks")
    migration = networks.add_parser(
        "migration", help="region of a face and a difference of degrees -> the region so, from pairs"
    )
    expression = networks.add_parser(
        "expression", help="photo and degrees -> the photo so, from videos that the migration model makes"
    )
    expression.add_argument(
        "--migration", type=Path, required=True, metavar="FILE", help="checkpoint of train migration"
    )
    for moving in (migration, expression):
        moving.add_argument(
            "--fold",
            type=int,
            choices=range(4),
            default=0,
            help="part of the London people that is not seen (default 0, who are held out of all that ships)",
        )
        moving.add_argument(
            "--recording",
            dest="recordings",
            type=existing_folder,
            action="append",
            default=[],
            metavar="DIR",
            help="labelled folder of 'facewright capture', to train on one's own face; may be given several times",
        )
        moving.add_argument(
            "--half",
            choices=("lower", "upper"),
            help="train one half of the face alone, as for smiles of a fold; such a model can not be registered",
        )
        moving.add_argument("--steps", type=positive_int, help="how often to adjust (default: as it ships)")
        moving.add_argument(
            "--refit",
            action="store_true",
            help="learn nothing in steps: fit anew where landmarks go and how light changes, in the checkpoint --out",
        )
        moving.add_argument("--register", action="store_true", help="then put it into the package")
    for moving in (closer, migration, expression):
        moving.add_argument(
            "--data",
            type=existing_folder,
            required=True,
            metavar="DIR",
            help="folder with the London photos and the driving clips",
        )
        moving.add_argument(
            "--captures",
            type=existing_folder,
            required=True,
            metavar="DIR",
            help="shards made by capture --moving",
        )
    closer.add_argument("--register", action="store_true", help="then measure it and put it into the package")
    closer.set_defaults(run=_train_closer_look)
    migration.set_defaults(run=_train_migration)
    expression.set_defaults(run=_train_expression)

    for network in (
        imitator,
        parsing,
        translator,
        identity,
        styles,
        landmarks,
        closer,
        migration,
        expression,
    ):
        network.add_argument(
            "--out", type=Path, required=True, metavar="PATH", help="where to write weights and checkpoints"
        )
        network.add_argument(
            "--no-resume",
            dest="resume",
            action="store_false",
            help="start anew even if a checkpoint is there",
        )
        add_seed(network)
    for network in (imitator, parsing):
        add_device(network)


def _train_imitator(arguments: argparse.Namespace) -> None:
    from facewright_models.imitator.train import train

    show_progress()
    train(
        arguments.captures,
        out=arguments.out,
        seed=arguments.seed,
        device=arguments.device,
        resume=arguments.resume,
        minutes=arguments.minutes,
        known_mesh=not arguments.unknown_mesh,
        from_shipped=arguments.from_shipped,
    )
    if arguments.register:
        from facewright_models.evaluation.imitator import measure_and_register

        report = measure_and_register(arguments.out, arguments.captures, from_shipped=arguments.from_shipped)
        print(report.to_text())


def _train_parsing(arguments: argparse.Namespace) -> None:
    from facewright_models.parsing.train import train

    show_progress()
    weights = train(
        arguments.data,
        arguments.captures,
        out=arguments.out,
        seed=arguments.seed,
        device=arguments.device,
        resume=arguments.resume,
    )
    if arguments.register:
        from facewright_models.evaluation.parsing import measure_and_register

        print(measure_and_register(weights, arguments.data, arguments.captures).to_text())


def _train_translator(arguments: argparse.Namespace) -> None:
    from facewright_models.translator.train import TrainOptions, train

    show_progress()
    options = TrainOptions() if arguments.count is None else TrainOptions(captures=arguments.count)
    train(
        arguments.captures,
        out=arguments.out,
        data=arguments.data,
        seed=arguments.seed,
        resume=arguments.resume,
        options=options,
    )
    if arguments.register:
        from facewright_models.translator.train import measure_and_register

        print(
            measure_and_register(
                arguments.out, arguments.captures, options=options, with_photos=arguments.data is not None
            )
        )


def _train_identity_imitator(arguments: argparse.Namespace) -> None:
    from facewright_models.identity_imitator.train import train

    show_progress()
    train(arguments.captures, out=arguments.out, seed=arguments.seed, resume=arguments.resume)
    if arguments.register:
        from facewright_models.identity_imitator.train import measure_and_register

        print(measure_and_register(arguments.out, arguments.captures))


def _train_plausible_faces(arguments: argparse.Namespace) -> None:
    from facewright_models.plausible_faces.train import measure_and_register

    show_progress()
    print(measure_and_register(arguments.data, out=arguments.out))


def _train_landmarks(arguments: argparse.Namespace) -> None:
    from facewright_models.landmarks.train import train

    show_progress()
    train(arguments.data, arguments.captures, out=arguments.out, seed=arguments.seed, resume=arguments.resume)
    if arguments.register:
        from facewright_models.evaluation.landmarks import measure_and_register

        print(measure_and_register(arguments.out, arguments.data, arguments.captures).to_text())


def _train_closer_look(arguments: argparse.Namespace) -> None:
    from facewright_models.landmarks.closer.train import train

    show_progress()
    train(arguments.data, arguments.captures, out=arguments.out, seed=arguments.seed, resume=arguments.resume)
    if arguments.register:
        from facewright_models.evaluation.closer_look import measure_and_register

        print(measure_and_register(arguments.out, arguments.data, arguments.captures).to_text())


def _changed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Options of the expression models' trainings that differ from those of what ships."""
    from facewright_models.errors import InvalidInputError

    if arguments.half is not None and arguments.register:
        raise InvalidInputError(
            "half a model can not be registered; leave out --half or --register", field="half"
        )
    changed: dict[str, Any] = {} if arguments.steps is None else {"steps": arguments.steps}
    return changed if arguments.half is None else {**changed, "halves": (arguments.half,)}


def _train_migration(arguments: argparse.Namespace) -> None:
    from facewright_models.expression.train_migration import TrainOptions, refit, train

    show_progress()
    options = replace(TrainOptions(), **_changed(arguments))
    fit = refit if arguments.refit else partial(train, resume=arguments.resume, options=options)
    fit(
        arguments.data,
        arguments.captures,
        out=arguments.out,
        seed=arguments.seed,
        fold=arguments.fold,
        recordings=arguments.recordings,
    )
    if arguments.register:
        from facewright_models.evaluation.expression import register_migration

        register_migration(arguments.out, arguments.captures)


def _train_expression(arguments: argparse.Namespace) -> None:
    from facewright_models.expression.store import migration_from_checkpoint
    from facewright_models.expression.train_processing import TrainOptions, refit, train

    show_progress()
    options = replace(TrainOptions(), **_changed(arguments))
    migration = migration_from_checkpoint(arguments.migration)
    if arguments.refit:
        refit(migration, out=arguments.out)
    else:
        train(
            arguments.data,
            arguments.captures,
            migration,
            out=arguments.out,
            seed=arguments.seed,
            resume=arguments.resume,
            options=options,
            fold=arguments.fold,
            recordings=arguments.recordings,
        )
    if arguments.register:
        from facewright_models.evaluation.expression import measure_and_register

        print(measure_and_register(arguments.out, arguments.data, arguments.captures).to_text())


def _train_styles(arguments: argparse.Namespace) -> None:
    from facewright_models.style_reader.train import TrainOptions, train

    show_progress()
    options = TrainOptions() if arguments.steps is None else TrainOptions(steps=arguments.steps)
    train(
        arguments.data,
        arguments.captures,
        out=arguments.out,
        seed=arguments.seed,
        resume=arguments.resume,
        options=options,
    )
    if arguments.register:
        from facewright_models.style_reader.train import measure_and_register

        print(measure_and_register(arguments.out, arguments.data, arguments.captures))
