"""What a call of the interactive calibration asks for, checked, and by what its parts are known."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from converters.builtin import DEMO_NAME, DEMO_SWAPPER
from converters.compress.quantize.calibration_sources import places_in
from converters.compress.quantize.settings import QuantizeSettings, settings_from
from converters.parameters import Value, checked_options
from converters.recipe import StepRequest

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Asked:
    """A call's arguments.

    Attributes:
        source, shapes, trust, sha256: of the model, as `converters.model.source.load` takes them.
        steps: before the step quantize, in order.
        options: of the step quantize, complete.
        folder: for pictures.
    """

    source: str
    shapes: Mapping[str, tuple[int, ...]]
    trust: bool
    sha256: str
    steps: tuple[StepRequest, ...]
    options: Mapping[str, Value]
    folder: Path

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Asked:
        """Read plain data.

        Raises:
            UsageError: an unknown option, or a value out of bounds.
        """
        from converters.compress.quantize.step import Quantize

        return cls(
            source=str(arguments["source"]),
            shapes={name: tuple(shape) for name, shape in arguments["shapes"].items()},
            trust=bool(arguments["trust"]),
            sha256=str(arguments.get("sha256") or ""),
            steps=tuple(StepRequest(item["step"], dict(item["options"])) for item in arguments["steps"]),
            options=checked_options(Quantize.parameters, arguments["options"], "The step quantize"),
            folder=Path(arguments["folder"]),
        )

    @cached_property
    def settings(self) -> QuantizeSettings:
        """The settings that the options stand for; UsageError where they make no sense."""
        return settings_from(self.options)

    @property
    def model_key(self) -> str:
        """What the prepared model depends on, as far as it is asked for."""
        steps = [[request.step, request.options] for request in self.steps]
        return json.dumps([self.source, self.sha256, dict(self.shapes), self.trust, steps], sort_keys=True)

    @property
    def calibration_key(self) -> str:
        """What observations depend on, as far as it is asked for."""
        names = ("calibration", "samples", "equalize")
        return json.dumps([self.model_key, *(self.options[name] for name in names)])

    def stamps(self) -> tuple[Stamp, Stamp]:
        """Return what tells whether the files of the model and of the calibration set are still the same."""
        source = DEMO_SWAPPER if self.source == DEMO_NAME else Path(self.source.rpartition(".py:")[0] or self.source)
        if ".py:" in self.source:
            source = Path(f"{source}.py")
        places = [place for place in places_in(str(self.options["calibration"])) if place is not None]
        return stamp_of(source), tuple(each for place in places for each in stamp_of(place))

    @property
    def left_out(self) -> list[str]:
        """Sentences on what the options ask for and a preview does not show, because it takes too long."""
        named = {"correct_biases": "bias correction", "adaround": "adaptive rounding"}
        asked = [words for name, words in named.items() if self.options[name]]
        if not asked:
            return []
        return [f"The preview is without {' and '.join(asked)}: that is done when files are made."]


def stamp_of(path: Path) -> Stamp:
    """Return name, size and time of change of a file, or of each file of a folder; () where there is none."""
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                found = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
        else:
            found = [(path.name, path.stat())]
    except OSError:  # whoever reads it says what is wrong
        return ()
    return tuple(sorted((name, status.st_size, status.st_mtime_ns) for name, status in found))
