"""What precedes the loop: shape, styles and colours as they are first guessed, and what the loop compares with."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from facewright_models.fitting.approach import approach
from facewright_models.fitting.average_face import AverageFace
from facewright_models.fitting.coloring import colors_from_regions
from facewright_models.fitting.confidence import hold_by_evidence
from facewright_models.fitting.descent import Descent
from facewright_models.fitting.evidence import brows_are_hidden, mark_certainty, mark_noise_px
from facewright_models.fitting.features import FaceFeatures, frozen
from facewright_models.fitting.fit_models import FitModels
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.read_styles import read_styles, tried_styles
from facewright_models.fitting.start import discernible_styles, initial_styles, warm_start
from facewright_models.fitting.translated_start import Start, better_start, settle_translation, translated
from facewright_models.fitting.types import Check, FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.warm_start import MARK_NOISE_PX
from facewright_models.identity_imitator import IdentityImitator
from facewright_models.plausible_faces import PlausibleFaces
from facewright_models.style_reader.network import StyleReader
from facewright_models.translator import Translation, Translator

__all__ = ["Opened", "Opening"]

_GLANCED_STEPS = 12
_REFINED_STEPS, _CORRECTED_STEPS = 30, 15
"""Before and after the landmark model was asked where it marks a drawing of what was found so far."""
_SURE = 50.0


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The loop's state before its first adjustment, the N photos as they are aligned to it, and the standard
    deviation of their marks (N, 68, 2) in frame pixels.
    """

    descent: Descent
    aligned: list[AlignedPhoto]
    noise_px: Tensor


@dataclass(frozen=True)
class Opening:
    """The first guess of a fit. Networks that a rig has not are None; `left_out` names the parts (see `fitter.PARTS`)
    that an ablation does without.
    """

    models: FitModels
    average: AverageFace
    translator: Translator | None = None
    style_reader: StyleReader | None = None
    identity_imitator: IdentityImitator | None = None
    plausible: PlausibleFaces | None = None
    left_out: Set[str] = frozenset()

    def __post_init__(self) -> None:
        for network in (self.translator, self.style_reader, self.identity_imitator):
            if network is not None:
                frozen(network)

    @cached_property
    def _average_marks(self) -> Tensor:
        return self.average.expected_marks(self.models)

    @cached_property
    def _discernible(self) -> frozenset[str]:
        tried = tried_styles(self.models.layout.schema, self.style_reader, FitOptions())
        return discernible_styles(self.models, self.average.vector[None], tried)

    def opened(
        self,
        people: Sequence[int],
        variables: FitVariables,
        plain: list[AlignedPhoto],
        options: FitOptions,
        check: Check,
    ) -> Opened:
        """The first guess of everybody, in `variables` and for the loop.

        `plain` are the photos aligned to the average face.
        """
        rig = self.models.landmark_rig
        variables.plausible = self.plausible
        seen = self.models.seen(plain, check)
        hopes = self._read_styles(variables, plain, seen, options)
        translation = None
        if self.translator is not None and options.alignment != "affine":
            translation = translated(self.translator, seen, self._average_marks)
        noise = mark_noise_px(plain, seen.probabilities, variables.worn("facial_hair"))
        if "evidence" in self.left_out:
            noise = MARK_NOISE_PX.expand_as(noise)
        aligned = plain
        if rig is not None:
            hold_by_evidence(rig, variables, plain, noise, check)
            if options.landmark_weight > 0 and "warm_start" not in self.left_out:
                aligned = warm_start(rig, variables, plain, self.average.bias, options, check, noise)
        if options.mode == "fast":
            start = self._glanced(variables, plain, seen, translation)
            self._approach(variables, start, noise, options, _GLANCED_STEPS, check)
            if options.bake_skin:
                start = self._colored(variables, aligned, check)
            coarse = start.features
        else:
            start = self._refinable(variables, plain, seen, aligned, translation, options, check)
            if self.identity_imitator is not None:
                self._approach(variables, start, noise, options, _REFINED_STEPS, check)
                bias = self.models.marking_bias(variables.vectors(_SURE).detach(), start.bias, check)
                start = replace(start, bias=bias)
                self._approach(variables, start, noise, options, _CORRECTED_STEPS, check)
            coarse = self.models.seen_coarsely(start.features, check)
            initial_styles(
                self.models,
                self.average.landmarks,
                variables,
                coarse,
                check,
                start.style_guesses,
                self._discernible,
                hopes,
                brows_are_hidden(mark_certainty(noise), variables.photo_subjects),
            )
        state = Descent(people, variables, start.aligned, start.features, coarse, start.bias, noise, options)
        return Opened(descent=state, aligned=start.aligned, noise_px=noise)

    def _read_styles(
        self,
        variables: FitVariables,
        plain: list[AlignedPhoto],
        seen: FaceFeatures,
        options: FitOptions,
    ) -> dict[str, Tensor]:
        """Settle what the reader reads; log-probabilities (S, options) of the slots that are tried."""
        if self.style_reader is None:
            return {}
        tried = tried_styles(self.models.layout.schema, self.style_reader, options)
        read = read_styles(self.style_reader, plain, seen, variables.photo_subjects)
        variables.settle({slot: read[slot].argmax(1) for slot in read.keys() - tried})
        return {slot: read[slot] for slot in tried}

    def _glanced(
        self,
        variables: FitVariables,
        plain: list[AlignedPhoto],
        seen: FaceFeatures,
        translation: Translation | None,
    ) -> Start:
        """The landmarks' guess with what the translator adds to it; colours of the plainly aligned photos."""
        if translation is not None:
            settle_translation(self.models, variables, translation, self.plausible)
        variables.set_colors(colors_from_regions(seen, self.average.features, self.average.colors))
        return self._start(plain, seen)

    def _refinable(
        self,
        variables: FitVariables,
        plain: list[AlignedPhoto],
        seen: FaceFeatures,
        aligned: list[AlignedPhoto],
        translation: Translation | None,
        options: FitOptions,
        check: Check,
    ) -> Start:
        """The landmarks' guess or the translator's."""
        first = self._colored(variables, aligned, check)
        if translation is None:
            return first
        return better_start(
            self.models, translation, variables, plain, seen, first, self.average, options, check
        )

    def _approach(
        self,
        variables: FitVariables,
        start: Start,
        noise_px: Tensor,
        options: FitOptions,
        steps: int,
        check: Check,
    ) -> None:
        """Nothing where everybody begins at a character of their own: it is near, and so many steps would lead off."""
        if self.identity_imitator is not None and not bool(variables.started.all()):
            approach(
                self.models,
                self.identity_imitator,
                variables,
                start.aligned,
                start.features,
                start.bias,
                mark_certainty(noise_px),
                options,
                steps=steps,
                check=check,
            )

    def _colored(self, variables: FitVariables, aligned: list[AlignedPhoto], check: Check) -> Start:
        features = self.models.seen(aligned, check)
        variables.set_colors(colors_from_regions(features, self.average.features, self.average.colors))
        return self._start(aligned, features)

    def _start(self, aligned: list[AlignedPhoto], features: FaceFeatures) -> Start:
        bias = self.average.bias.repeat(len(aligned), 1, 1)
        return Start(aligned=aligned, features=features, bias=bias, style_guesses={})
