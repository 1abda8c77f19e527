"""``facewright-server serve`` with all its flags, over the fake studio; for the server that commands share."""

import sys

from facewright_server import studio
from facewright_server.cli import main
from unit.server.fakes.studio import FakeStudio

if __name__ == "__main__":
    studio.DomainStudio = FakeStudio  # type: ignore[misc, assignment]
    sys.exit(main(["serve", "--default-rig", "fake", *sys.argv[1:]]))
