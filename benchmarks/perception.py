"""What happens to a photo before a fit begins: decoding, finding the face, the two feature networks."""

import io

import cv2
import numpy as np
import torch
from PIL import Image
from skimage import data

from facewright_models.identity import IdentityNetwork
from facewright_models.landmarks import detect_faces
from facewright_models.parsing.parser import load_parser
from facewright_models.photo import decode_photo
from timing import Measurement, seconds_of


def measure(*, repeats: int) -> list[Measurement]:
    """Rows of the table, one core's worth of work each but for the networks."""
    portrait = np.ascontiguousarray(data.astronaut())
    twelve_megapixels = cv2.resize(portrait, (3464, 3464), interpolation=cv2.INTER_CUBIC)
    stream = io.BytesIO()
    Image.fromarray(twelve_megapixels).save(stream, "JPEG", quality=92)
    content = stream.getvalue()
    nobody = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    parser, identity = load_parser(), IdentityNetwork.from_dlib()
    crop, chip = torch.rand(1, 3, 256, 256), torch.rand(1, 3, 150, 150)

    def parse() -> None:
        with torch.inference_mode():
            parser(crop)

    def embed() -> None:
        with torch.inference_mode():
            identity.embed(chip)

    return [
        seconds_of("decode a 12 megapixel JPEG", lambda: decode_photo(content), repeats=repeats),
        seconds_of("find faces, 512 px portrait", lambda: detect_faces(portrait), repeats=repeats),
        seconds_of("find faces, 12 megapixels", lambda: detect_faces(twelve_megapixels), repeats=repeats),
        seconds_of("find no face, 512 px noise", lambda: detect_faces(nobody), repeats=repeats),
        seconds_of("parse one crop", parse, repeats=repeats),
        seconds_of("embed one chip", embed, repeats=repeats),
    ]
