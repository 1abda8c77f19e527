"""``python -m facewright_server`` is ``facewright-server``."""

import sys

from facewright_server.cli import main

sys.exit(main())
