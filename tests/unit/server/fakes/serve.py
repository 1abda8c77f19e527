"""The fake server as a process: ``python -m unit.server.fakes.serve [STEP_SECS]``."""

import sys

from facewright_server.config import ServerConfig
from facewright_server.logs import configure_logging
from facewright_server.serving import run
from unit.server.fakes.studio import FakeStudio

if __name__ == "__main__":
    configure_logging("INFO")
    run(
        ServerConfig(listen="127.0.0.1:0", default_rig="fake", shutdown_grace_secs=0.0),
        FakeStudio(step_secs=float(sys.argv[1]) if len(sys.argv) > 1 else 0.0),
        exit_with_stdin=True,
    )
