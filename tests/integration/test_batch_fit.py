"""BatchFit with the real studio: a worker process, two photos, pictures among the media."""

import io

import numpy as np
import pytest
from PIL import Image

from facewright import Client, EmbeddedServer, errors
from integration import photos

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_two_photos_become_two_results_and_the_one_without_a_face_says_so(
    server: EmbeddedServer, fitting: Client, portrait: np.ndarray
) -> None:
    with Client(server.address) as client:
        people = [photos.png(portrait), photos.png(np.full((256, 256, 3), 128, np.uint8))]
        started = client.batch_fit(people, options=photos.FEW_STEPS, pictures=["rendered", "comparison"])
        fitted, empty = client.get_operation(started.name).result(300)
        assert fitted.character is not None
        assert fitted.character.rig == "anny"
        assert fitted.report is not None
        assert fitted.report.identity_cosine > 0
        assert isinstance(empty.error, errors.NoFaceError)
        target = io.BytesIO()
        client.download_media(fitted.pictures["comparison"], target)
        assert Image.open(target).size == (1536, 512)
        same = fitting.fit(people[0], options=photos.FEW_STEPS).character
        for name, value in same.sliders.items():
            assert fitted.character.sliders[name] == pytest.approx(value, abs=0.02), name
