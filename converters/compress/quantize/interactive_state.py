"""What the interactive calibration keeps in memory: one model, one calibration set, what was observed, a preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from converters.closing import Closing
from converters.compress.quantize.calibration import CalibrationSet, calibration_set
from converters.compress.quantize.coverage import Coverage, coverage
from converters.compress.quantize.encode import Remembered, encode
from converters.compress.quantize.encodings import Encodings, Floats
from converters.compress.quantize.interactive_preview import Preview
from converters.compress.quantize.interactive_request import Asked, Stamp
from converters.compress.quantize.layers import with_replaced
from converters.compress.quantize.observe import Observations, observe
from converters.compress.quantize.quantizing import evened_out, prepared
from converters.compress.quantize.switching import LayerCost, layer_costs
from converters.model.graph import Model
from converters.progress import Progress
from converters.registry import step


@dataclass(frozen=True)
class Prepared:
    """A model, ready to be quantized, and what its layers cost."""

    model: Model
    costs: Mapping[str, LayerCost]


@dataclass(frozen=True)
class Calibrated:
    """A prepared model that was observed on a calibration set.

    Attributes:
        prepared: the model.
        calibration: the set.
        observations: of the set.
        coverage: of the set.
        equalized: weights with evened out ranges by initializer; {} where that was not asked for.
        notes: sentences on all this.
        remembered: what settings led to before.
    """

    prepared: Prepared
    calibration: CalibrationSet
    observations: Observations
    coverage: Coverage
    equalized: Mapping[str, Floats]
    notes: tuple[str, ...]
    remembered: Remembered = field(default_factory=Remembered)


class Desk(Closing):
    """Makes what is asked for, and keeps the last of each kind.

    Args:
        cache: folder where observations are kept; None for nowhere.
    """

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self._prepared: tuple[str, Stamp, Prepared] | None = None
        self._calibrated: tuple[str, Stamp, Calibrated] | None = None
        self._preview: tuple[Calibrated, Preview] | None = None

    def calibrated(self, asked: Asked, progress: Progress, *, is_fresh: bool = False) -> Calibrated:
        """Return the observed model.

        Args:
            asked: for which model and set.
            progress: told about stages; may cancel.
            is_fresh: whether files are to be looked at again: they may have changed since.
        """
        stamps = asked.stamps() if is_fresh else None
        known = self._calibrated
        if known is not None and known[0] == asked.calibration_key:
            model_stamp = self._prepared[1] if self._prepared is not None else ()
            if stamps is None or stamps == (model_stamp, known[1]):
                return known[2]
        model_stamp, set_stamp = stamps or asked.stamps()
        self._forget_calibrated()
        made = self._observed(self._ready(asked, model_stamp, progress), asked, progress)
        self._calibrated = (asked.calibration_key, set_stamp, made)
        return made

    def encodings(self, asked: Asked, progress: Progress) -> tuple[Encodings, tuple[str, ...]]:
        """Return the Encodings that the settings lead to, and sentences on them."""
        found = self.calibrated(asked, progress)
        return encode(found.prepared.model, found.observations, asked.settings, found.equalized, found.remembered)

    def preview(self, asked: Asked, progress: Progress) -> Preview:
        """Return what shows single samples of the observed model."""
        found = self.calibrated(asked, progress)
        if self._preview is None or self._preview[0] is not found:
            self._close_preview()
            progress("Running the float model")
            self._preview = (found, Preview(found.prepared.model, found.calibration))
        return self._preview[1]

    def close(self) -> None:
        """Give up everything."""
        self._forget_calibrated()
        self._prepared = None

    def _ready(self, asked: Asked, stamp: Stamp, progress: Progress) -> Prepared:
        known = self._prepared
        if known is not None and known[:2] == (asked.model_key, stamp):
            return known[2]
        self._prepared = None
        model = prepared(loaded(asked, progress), progress)
        made = Prepared(model, layer_costs(model.proto))
        self._prepared = (asked.model_key, stamp, made)
        return made

    def _observed(self, ready: Prepared, asked: Asked, progress: Progress) -> Calibrated:
        model = ready.model
        samples = calibration_set(model, str(asked.options["calibration"]), int(asked.options["samples"]), progress)
        notes = list(samples.notes)
        equalized: Mapping[str, Floats] = {}
        shown = model
        if asked.options["equalize"]:
            found = evened_out(model, samples, progress)
            equalized = found.replaced
            notes += found.notes
            shown = replace(model, proto=with_replaced(model.proto, Encodings({}, equalized)))
        observations = observe(shown, samples, self._cache, progress)
        notes += observations.notes
        covered = coverage(samples, observations, progress)
        return Calibrated(ready, samples, observations, covered, equalized, tuple(notes))

    def _forget_calibrated(self) -> None:
        self._close_preview()
        self._calibrated = None

    def _close_preview(self) -> None:
        if self._preview is not None:
            self._preview[1].close()
        self._preview = None


def loaded(asked: Asked, progress: Progress) -> Model:
    """Return the model after the steps that come before quantization.

    Raises:
        StudioError: as loading and the steps do.
    """
    from converters.model.source import load

    model = load(asked.source, shapes=asked.shapes, trust=asked.trust, sha256=asked.sha256, progress=progress)
    for request in asked.steps:
        model = step(request.step).run(model, request.options, progress).model
    return model
