"""``facewright-server token``: a new token for a client, shown once."""

import argparse
import sys

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "token",
        help="make a token for a client of the server",
        description="Make a token for a client. The token is shown on standard error, once; standard output gets "
        "the table for the file that --tokens-file of serve names, which holds only a hash of it.",
    )
    parser.add_argument(
        "name", metavar="NAME", help="name of the client; what it uploads belongs to this name"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from facewright_server.security.tokens import make_token, token_table

    token = make_token()
    table = token_table(arguments.name, token)
    # Apart, so that `facewright-server token NAME >> FILE` keeps the secret out of the file.
    print(f"the token of {arguments.name}, shown only now: {token}", file=sys.stderr)
    print(table, end="")
