"""Put a player's face into a game: fit characters to photos, draw them, look at rigs, run a server.

Exit codes: 0 done, 1 pictures differ (golden run), 2 bad input, 3 server unavailable, 4 internal, 130 interrupted.
An error is one line on stderr, and nothing half-written stays.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from facewright import errors
from facewright._version import installed_version
from facewright.cli import (
    animate,
    batch,
    capture,
    character,
    connection,
    embedded,
    export,
    fit,
    golden,
    media,
    operation,
    refit,
    render,
    rig,
    serve,
    server,
)
from facewright.cli.exit_codes import BAD_INPUT, DONE, INTERNAL, INTERRUPTED, exit_code

__all__ = ["main"]

_COMMANDS = (
    fit,
    refit,
    batch,
    animate,
    capture,
    operation,
    render,
    export,
    character,
    golden,
    rig,
    media,
    server,
    embedded,
    serve,
)


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    interruption = _Interruption()
    code = DONE
    try:
        code = arguments.run(arguments) or DONE
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has left; nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except errors.FacewrightError as error:
        if interruption.has_come:  # inside gRPC, which makes a call that was cancelled of it
            return _fail("interrupted", INTERRUPTED)
        return _fail(_describe(error), exit_code(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - the last line of defence of a command
        return _fail(f"internal error: {type(error).__name__}: {error}", INTERNAL)
    finally:
        interruption.forget()
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the report as JSON")
    connection.add_options(common)
    description = (__doc__ or "").splitlines()[0]
    parser = _OneLineParser(prog="facewright", description=description)
    parser.add_argument("--version", action="version", version=f"facewright {installed_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_to(commands, common)
    return parser


class _Interruption:
    """SIGTERM unwinds like Ctrl-C does, so that temporary files go and the server's work for us stops.

    A signal that whoever started the command wants ignored stays ignored.
    """

    def __init__(self) -> None:
        self.has_come = False
        self._previous = {signal.SIGTERM: signal.signal(signal.SIGTERM, self._leave)}
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._previous[signal.SIGINT] = signal.signal(signal.SIGINT, self._leave)

    def forget(self) -> None:
        """Signals mean again what they meant before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _leave(self, _number: int, _frame: FrameType | None) -> None:
        self.has_come = True
        raise KeyboardInterrupt


def _describe(error: errors.FacewrightError) -> str:
    """The message, with the field when it says more than the message does."""
    fields = ", ".join(violation.field for violation in error.field_violations)
    return f"{error} (at {fields})" if fields and fields not in str(error) else str(error)


def _fail(message: str, code: int) -> int:
    print(f"facewright: {' '.join(message.split())}", file=sys.stderr)
    return code
