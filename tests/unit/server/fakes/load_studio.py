"""The fake studio under load: it reads photos like the real one and takes the time that its environment says.

As a server: ``python -m unit.server.fakes.load_studio FLAGS`` is ``facewright-server serve FLAGS`` with it.
"""

from __future__ import annotations

import os
import sys

from facewright_models.photo import Photo, decode_photo
from facewright_server import studio
from facewright_server.cli import main
from unit.server.fakes.studio import FakeStudio

STUDIO_NAME = "unit.server.fakes.load_studio:LoadStudio"
STEP_VARIABLE = "FAKE_STEP_SECS"


class LoadStudio(FakeStudio):
    def __init__(self) -> None:
        super().__init__(step_secs=float(os.environ.get(STEP_VARIABLE, "0")))

    def decode_photo(self, content: bytes, *, max_pixels: int) -> Photo:
        return decode_photo(content, max_pixels=max_pixels)


if __name__ == "__main__":
    studio.DomainStudio = LoadStudio  # type: ignore[misc, assignment]
    sys.exit(main(["serve", "--default-rig", "fake", *sys.argv[1:]]))
