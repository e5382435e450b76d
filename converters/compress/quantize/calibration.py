"""Calibration sets: what a model is shown while its ranges are measured, for all of its inputs at once.

A set holds names and places, never the samples: each is made when it is asked for, so that a thousand cost no more
memory than one.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from converters.compare.crops import FacePicture
from converters.errors import BadInputError, UsageError
from converters.face.faces import Picture, Points
from converters.model.graph import Model
from converters.progress import Progress
from converters.runtimes.base import Arrays


@dataclass(frozen=True)
class CalibrationSample:
    """One run of a model.

    Attributes:
        name: what people call it; unique within its set.
        feeds: every input, in the ONNX graph's layout and dtype.
        picture: what it shows, height x width x 3, RGB, 0..255: the photograph around the face, or the whole picture;
            None where no input is a picture.
        points: 5 x 2, where the face is in `picture`; None where the model wants no face.
        is_crop: the points are a template's: the picture was taken for a crop, no face was looked for.
    """

    name: str
    feeds: Arrays
    picture: Picture | None = None
    points: Points | None = None
    is_crop: bool = False

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the feeds, hexadecimal: names, dtypes, shapes and bytes, sorted by name."""
        digest = hashlib.sha256()
        for name in sorted(self.feeds):
            array = np.ascontiguousarray(self.feeds[name])
            digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def face(self, template: str, side: int) -> Picture | None:
        """Return the face aligned to a template (side x side), the whole picture where there are no points, or None."""
        if self.picture is None:
            return None
        return FacePicture(self.name, self.picture, self.points, self.is_crop).cut(template, side)


class MadeSamples(Sequence[CalibrationSample]):
    """Samples that are made when they are asked for; a kind of them implements `__len__` and `_make`."""

    @abstractmethod
    def _make(self, place: int) -> CalibrationSample:
        """Return the sample at a place from 0 on."""

    @overload
    def __getitem__(self, place: int) -> CalibrationSample: ...
    @overload
    def __getitem__(self, place: slice) -> list[CalibrationSample]: ...
    def __getitem__(self, place: Any) -> Any:
        """Return one sample; several of a slice."""
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return self._make(range(len(self))[place])


@dataclass(frozen=True, eq=False)
class CalibrationSet:
    """Samples, and where they came from.

    Attributes:
        samples: at least one; one that is not in memory is made anew each time it is asked for.
        origin: in words, a noun phrase ("64 built-in face crops").
        notes: sentences on what was done with them.
    """

    samples: Sequence[CalibrationSample]
    origin: str
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.samples)

    def __iter__(self) -> Iterator[CalibrationSample]:
        """Yield the samples one by one."""
        return iter(self.samples)

    def make(self, place: int) -> CalibrationSample:
        """Return one sample, with its feeds."""
        return self.samples[place]


def calibration_set(
    model: Model,
    where: str = "",
    most: int = 64,
    progress: Progress | None = None,
    *,
    embedder: Path | None = None,
) -> CalibrationSet:
    """Return the samples that a model is calibrated on.

    Args:
        model: static.
        where: "" for the built-in crops; a folder of photographs or crops; a picture; a video; an `.npz` file of one or
            several samples (arrays by the inputs' names), or a folder of them; or several of all but the last, one a
            line, an empty line standing for the built-in crops.
        most: how many samples at most, from 1.
        progress: told about every picture.
        embedder: the recogniser whose embeddings the model takes; None for the demo embedder.

    Raises:
        BadInputError: nothing there that can be used, or arrays of another model; it says which.
        UnsafeInputError: an .npz holds pickled objects.
        UsageError: `most` is no number of samples.
        UnsupportedError: the model leaves sizes open.
    """
    from converters.compress.quantize.calibration_arrays import array_set
    from converters.compress.quantize.calibration_pictures import picture_set
    from converters.compress.quantize.calibration_sources import Kind, kind_of, places_in

    if most < 1:
        raise UsageError(f"{most} calibration samples are none.", "", "Take at least one; 64 is a good number.")
    progress = progress or Progress()
    path, *others = places = places_in(where)
    kind = Kind.SEVERAL if others else kind_of(path)
    if kind is Kind.ARRAYS:
        assert path is not None
        found = array_set(model, path, most, progress)
    else:
        found = picture_set(model, kind, places, most, embedder, progress)
    if not len(found):
        raise BadInputError(f"{where} gave no calibration sample.", "", "Give photographs of faces.")
    if len(found) == 1:
        note = "There is one sample: the ranges will be those of it alone. 64 different ones are a good number."
        return CalibrationSet(found.samples, found.origin, (*found.notes, note))
    return found
