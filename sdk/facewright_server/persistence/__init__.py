"""What survives the process: one SQL database for operations and for the register of media."""

from facewright_server.persistence.database import Database
from facewright_server.persistence.state import StateFolder, open_state

__all__ = ["Database", "StateFolder", "open_state"]
