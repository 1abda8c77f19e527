"""Picks the command, and turns errors into one line on stderr and an exit code.

0 done, 2 bad input or settings, 3 something this machine lacks, 4 internal, 130 interrupted. Packages that
take seconds to import are imported by the command that needs them.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from facewright_server.cli import bake, capture, evaluate, parse, serve, sheet, token, train

__all__ = ["main"]

_COMMANDS = (serve, capture, train, evaluate, bake, parse, sheet, token)
_DONE, _BAD_INPUT, _NOT_AVAILABLE, _INTERNAL, _INTERRUPTED = 0, 2, 3, 4, 130


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(_BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _OneLineParser(prog="facewright-server", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_to(commands)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last line of defence of a command
        return _report(error)
    return _DONE


def _report(error: Exception) -> int:
    from facewright_models.errors import (
        FacewrightError,
        InvalidInputError,
        RenderUnavailableError,
        UnknownRigError,
        WeightsError,
    )
    from facewright_server.errors import ConfigError

    if isinstance(error, InvalidInputError | UnknownRigError | ConfigError):
        return _fail(str(error), _BAD_INPUT)
    if isinstance(error, RenderUnavailableError | WeightsError | ImportError):
        return _fail(str(error), _NOT_AVAILABLE)
    if isinstance(error, OSError):
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), _BAD_INPUT)
    if isinstance(error, FacewrightError):
        return _fail(str(error), _INTERNAL)
    traceback.print_exception(error)
    return _fail(f"internal error: {type(error).__name__}: {error}", _INTERNAL)


def _fail(message: str, code: int) -> int:
    print(f"facewright-server: {' '.join(message.split())}", file=sys.stderr)
    return code
