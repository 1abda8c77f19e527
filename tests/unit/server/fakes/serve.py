"""The fake server as a process: ``python -m unit.server.fakes.serve [STEP_SECS [FILE]]``.

The file is there as soon as a fit has made a step.
"""

import sys
from pathlib import Path

from facewright_server.config import ServerConfig
from facewright_server.logs import configure_logging
from facewright_server.serving import run
from unit.server.fakes.studio import FakeStudio


def main(step_secs: str = "0", file: str = "") -> None:
    configure_logging("INFO")
    run(
        ServerConfig(listen="127.0.0.1:0", default_rig="fake", shutdown_grace_secs=0.0),
        FakeStudio(step_secs=float(step_secs), on_step=Path(file).touch if file else lambda: None),
        exit_with_stdin=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
