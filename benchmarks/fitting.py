"""How long a photo takes: a glance, a refined fit, and a batch of sixteen people; drawing included, no server."""

import io

from PIL import Image
from skimage import data

from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.look import CharacterRenderer
from facewright_models.photo import decode_photo
from facewright_models.rig import load_rig
from timing import Bar, Measurement, seconds_of

_PEOPLE = 16
_GLANCE_SECONDS, _REFINE_SECONDS, _BATCH_PHOTOS_PER_SECOND = 0.150, 2.0, 3.0


def measure(*, repeats: int) -> list[Measurement]:
    """Rows of the table: seconds from the encoded portrait to the finished result."""
    stream = io.BytesIO()
    Image.fromarray(data.astronaut()).save(stream, "JPEG", quality=92)
    content = stream.getvalue()
    fitter, rig = Fitter.load("anny"), load_rig("anny")
    with CharacterRenderer(rig) as renderer:

        def fit(people: int, options: FitOptions) -> None:
            subjects = [Subject(photos=(decode_photo(content),)) for _ in range(people)]
            fitter.fit(subjects, options=options, render=renderer.portrait)

        glance, refine = FitOptions(mode="fast"), FitOptions()
        rows = [
            seconds_of("fit at a glance", lambda: fit(1, glance), repeats=repeats),
            seconds_of("fit, refined", lambda: fit(1, refine), repeats=repeats),
            seconds_of(
                f"fit {_PEOPLE} people, refined",
                lambda: fit(_PEOPLE, refine),
                repeats=max(2, repeats // 5),
                warm_up=1,
            ),
        ]
    for bar in (
        Bar(name="glance", value=rows[0].median, unit="s", bar=_GLANCE_SECONDS, is_least=False),
        Bar(name="refined", value=rows[1].median, unit="s", bar=_REFINE_SECONDS, is_least=False),
        Bar(
            name=f"batch of {_PEOPLE}",
            value=_PEOPLE / rows[2].median,
            unit="/s",
            bar=_BATCH_PHOTOS_PER_SECOND,
            is_least=True,
        ),
    ):
        print("  " + bar.line())
    return rows
