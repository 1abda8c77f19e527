"""Files of clients: received, checked, kept for a while, sent back; a register in SQL, bytes through fsspec."""

from facewright_server.media.records import MediaPage, MediaRecord, UploadRecord, UploadRequest
from facewright_server.media.store import MediaStore, open_media_store

__all__ = ["MediaPage", "MediaRecord", "MediaStore", "UploadRecord", "UploadRequest", "open_media_store"]
