"""``facewright-server serve``: run the gRPC server."""

import argparse
import dataclasses
import os
from pathlib import Path

from facewright_server.config import ENVIRONMENT_PREFIX, ServerConfig, build_config

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command; every setting of `ServerConfig` is a flag."""
    parser = commands.add_parser(
        "serve",
        help="run the gRPC server",
        description=f"Run the gRPC server. Every flag is also a variable, {ENVIRONMENT_PREFIX}LISTEN for "
        "--listen, and a key of the TOML file given with --config.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input is closed")
    for spec in dataclasses.fields(ServerConfig):
        flag = "--" + spec.name.replace("_", "-")
        help_text = f"{spec.metadata['help']} (default {spec.default})"
        if spec.type is bool:
            parser.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=help_text
            )
        else:
            parser.add_argument(flag, default=argparse.SUPPRESS, metavar="VALUE", help=help_text)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    names = {spec.name for spec in dataclasses.fields(ServerConfig)}
    given = {name: value for name, value in vars(arguments).items() if name in names}
    config = build_config(given, os.environ, file=arguments.config)
    from facewright_server import serving
    from facewright_server.logs import configure_logging
    from facewright_server.studio import DomainStudio

    configure_logging(config.log_level)
    serving.run(
        config, DomainStudio(landmark_model=config.landmark_model), exit_with_stdin=arguments.exit_with_stdin
    )
