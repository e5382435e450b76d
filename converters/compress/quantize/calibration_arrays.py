"""Calibration samples from .npz: arrays by the inputs' names, checked against the model, read sample by sample.

Files are hostile until checked: headers are read before data, nothing is unpickled, and no more than one sample of one
input is in memory at a time.
"""

from __future__ import annotations

import bisect
import itertools
import math
import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from converters.compare.feeds import name_of, picture_of, template_and_side, with_layouts
from converters.compress.quantize.calibration import CalibrationSample, CalibrationSet, MadeSamples
from converters.compress.quantize.calibration_sources import arrays_in, evenly
from converters.compress.quantize.calibration_store import Scratch
from converters.destination import readable_size
from converters.errors import BadInputError, StudioError, UnsafeInputError
from converters.face.align import TEMPLATES
from converters.face.faces import Picture
from converters.face.tensors import is_picture
from converters.model.graph import Model
from converters.model.signature import Signature, TensorInfo
from converters.pictures import open_regular
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_PREFIX = "feed:"  # as comparisons keep what they fed
_LARGEST_FILE = 64 * 1000**3
_MOST_ARRAYS = 1000
_SAVE = 'Save samples with numpy.savez("samples.npz", **{"input name": array, …}).'


@dataclass(frozen=True)
class _Column:
    """One input in one file: where its samples lie.

    Attributes:
        member: name inside the archive.
        count: of samples; one that stands for all where there are more of other inputs.
        dtype: as stored.
    """

    member: str
    count: int
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class _File:
    path: Path
    columns: dict[str, _Column]
    count: int
    extra: tuple[str, ...]


@dataclass
class _Taken:
    """What was read so far."""

    names: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class SavedArrays(MadeSamples):
    """Samples in scratch, each read when it is asked for."""

    def __init__(self, model: Model, scratch: Scratch, taken: _Taken) -> None:
        self._signature = with_layouts(model.signature)
        self._template = template_and_side(model)[0]
        self._scratch = scratch
        self._names, self._starts = taken.names, taken.starts

    def __len__(self) -> int:
        return len(self._names)

    def _make(self, place: int) -> CalibrationSample:
        feeds: Arrays = {}
        start = self._starts[place]
        for tensor in self._signature.inputs:
            size = _bytes_of(tensor)
            values = np.frombuffer(self._scratch.read(start, size), tensor.dtype)
            feeds[tensor.name] = values.reshape(tensor.static_shape).copy()
            start += size
        picture = _first_picture(feeds, self._signature)
        points = None
        if picture is not None and self._template in TEMPLATES and picture.shape[0] == picture.shape[1]:
            points = (TEMPLATES[self._template] * picture.shape[0]).astype(np.float32)
        return CalibrationSample(self._names[place], feeds, picture, points, points is not None)


def array_set(model: Model, path: Path, most: int, progress: Progress) -> CalibrationSet:
    """Return the samples of one .npz file or of a folder of them, as `calibration_set` does."""
    files: list[_File] = []
    refusals: list[StudioError] = []
    paths = arrays_in(path) if path.is_dir() else [path]
    for place, file in enumerate(paths):
        progress("Reading samples", place / len(paths) / 2, file.name)
        try:
            files.append(_headers(file, model))
        except UnsafeInputError:
            raise
        except BadInputError as error:
            refusals.append(error)
    wanted = _wanted(files, most)
    taken, scratch = _Taken(), Scratch()
    for place, (saved, places) in enumerate(wanted):
        progress("Reading samples", 0.5 + place / len(wanted) / 2, saved.path.name)
        before = len(taken.names)
        try:
            _read(saved, places, model, scratch, taken)
        except BadInputError as error:
            del taken.names[before:], taken.starts[before:]
            refusals.append(error)
    if not taken.names:
        if refusals:
            raise refusals[0]
        raise BadInputError(
            f"No sample of {path.name or path} is finite.",
            f"NaN or infinite values: {_listed(taken.broken)}.",
            "Save the samples again, as the model takes them.",
        )
    notes = _notes(files, wanted, refusals, taken)
    count = len(taken.names)
    where = f"the folder {path.name or path}" if path.is_dir() else path.name
    origin = f"{count} saved {'sample' if count == 1 else 'samples'} of {where}"
    return CalibrationSet(SavedArrays(model, scratch, taken), origin, notes)


def _wanted(files: Sequence[_File], most: int) -> list[tuple[_File, list[int]]]:
    """Return which samples of which files to take, spread evenly over all of them."""
    ends = list(itertools.accumulate(saved.count for saved in files))
    chosen: dict[int, list[int]] = {}
    for place in evenly(ends[-1] if ends else 0, most):
        file = bisect.bisect_right(ends, place)
        chosen.setdefault(file, []).append(place - (ends[file] - files[file].count))
    return [(files[file], places) for file, places in chosen.items()]


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a .npz; whatever its decoders raise on hostile bytes becomes a sentence."""
    with os.fdopen(open_regular(path, "calibration file"), "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except StudioError:
            raise
        except Exception as error:
            # zlib.error, BadZipFile, RuntimeError (a password), NotImplementedError, EOFError, ValueError, OSError, …
            words = str(error).strip().rstrip(".") or type(error).__name__
            raise BadInputError(f"{path.name} is damaged or no .npz.", f"{words[:200]}.", _SAVE) from error


def _headers(path: Path, model: Model) -> _File:
    """Return what a file holds, from its headers alone.

    Raises:
        BadInputError: it is damaged, or does not have the model's inputs; it says which, expected and found.
        UnsafeInputError: it holds pickled objects.
    """
    with _archive(path) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if len(members) > _MOST_ARRAYS or size > _LARGEST_FILE:
            raise BadInputError(
                f"{path.name} is too large.",
                f"It says that it holds {len(members)} arrays of {readable_size(size)} together.",
                f"Save fewer samples: at most {_MOST_ARRAYS} arrays of {readable_size(_LARGEST_FILE)} together.",
            )
        shapes: dict[str, tuple[str, tuple[int, ...], np.dtype[Any]]] = {}
        for member in members:
            name = member.filename.removesuffix(".npy").removeprefix(_PREFIX)
            with archive.open(member) as stream:
                shape, is_fortran, dtype = _header(stream)
                promised = math.prod(shape) * dtype.itemsize + stream.tell()
            if dtype.hasobject:
                raise UnsafeInputError(
                    f"{path.name} holds pickled Python objects ({name}).",
                    "Reading them would run code of the file.",
                    "Save plain numbers: numpy.savez(…, allow_pickle=False).",
                )
            if min(shape, default=0) < 0 or promised != member.file_size:
                raise ValueError(f"{name} says that it is {_size(shape)} of {dtype}, in {member.file_size} bytes")
            if is_fortran and len(shape) > 1:
                raise BadInputError(
                    f"{name} of {path.name} is stored column by column.",
                    "",
                    "Save numpy.ascontiguousarray(array) instead.",
                )
            shapes[name] = (member.filename, shape, dtype)
    return _matched(path, shapes, model)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"format {version} of .npy")
    shape, is_fortran, dtype = _HEADERS[version](stream)
    return shape, is_fortran, dtype


def _matched(path: Path, found: dict[str, tuple[str, tuple[int, ...], np.dtype[Any]]], model: Model) -> _File:
    inputs = model.signature.inputs
    missing = [tensor.name for tensor in inputs if tensor.name not in found]
    if missing:
        raise BadInputError(
            f"{path.name} has no array {', '.join(missing)}.",
            f"{name_of(model)} takes {', '.join(map(_expected, inputs))}; found: {', '.join(sorted(found)) or 'none'}.",
            "Save one array for each input, by its name.",
        )
    columns = {}
    for tensor in inputs:
        member, shape, dtype = found[tensor.name]
        count = _samples_in(shape, tensor)
        if count is None:
            raise BadInputError(
                f"{tensor.name} of {path.name} is {_size(shape)}, expected {_size(tensor.static_shape)}.",
                "",
                "Samples may follow one another along a further first axis.",
            )
        if not _may_become(dtype, np.dtype(tensor.dtype)):
            raise BadInputError(
                f"{tensor.name} of {path.name} is {dtype}, expected {tensor.dtype}.",
                "",
                "Save the values as the model takes them, normalised where it wants them so.",
            )
        if count == 0:
            raise BadInputError(f"{tensor.name} of {path.name} holds no sample.", "", "Save at least one.")
        columns[tensor.name] = _Column(member, count, dtype)
    counts = {name: column.count for name, column in columns.items()}
    several = set(counts.values()) - {1}
    if len(several) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BadInputError(
            f"The inputs in {path.name} have different numbers of samples: {listed}.",
            "",
            "Save as many of each; one stands for all.",
        )
    extra = tuple(sorted(set(found) - set(columns)))
    return _File(path, columns, several.pop() if several else 1, extra)


def _samples_in(shape: tuple[int, ...], tensor: TensorInfo) -> int | None:
    """Return how many samples an array of this shape is; None where it is not the input's."""
    wanted = tensor.static_shape
    if shape == wanted:
        return 1
    if shape[1:] == wanted:
        return shape[0]
    if wanted and wanted[0] == 1:
        if len(shape) == len(wanted) and shape[1:] == wanted[1:]:
            return shape[0]
        if shape == wanted[1:]:
            return 1
    return None


def _may_become(found: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    """Whether values may be taken over: same kind of number; whether they fit is seen when they are read."""
    if found == wanted:
        return True
    kinds = (found.kind, wanted.kind)
    return kinds == ("f", "f") or (kinds[0] in "iu" and kinds[1] in "iu")


def _read(saved: _File, places: Sequence[int], model: Model, scratch: Scratch, taken: _Taken) -> None:
    """Read samples of one file into scratch; those that are not finite are left out and named."""
    with _archive(saved.path) as archive:
        streams = {name: archive.open(column.member) for name, column in saved.columns.items()}
        try:
            for stream in streams.values():
                _header(stream)
            shared: Arrays = {}
            at = dict.fromkeys(streams, 0)
            for place in places:
                arrays: Arrays = {}
                for tensor in model.signature.inputs:
                    column = saved.columns[tensor.name]
                    if column.count == 1 and tensor.name in shared:
                        arrays[tensor.name] = shared[tensor.name]
                        continue
                    size = math.prod(tensor.static_shape) * column.dtype.itemsize
                    wanted = 0 if column.count == 1 else place
                    _skip(streams[tensor.name], (wanted - at[tensor.name]) * size)
                    at[tensor.name] = wanted + 1
                    data = streams[tensor.name].read(size)
                    if len(data) != size:
                        raise EOFError(f"{tensor.name} ends early")
                    arrays[tensor.name] = _converted(np.frombuffer(data, column.dtype), tensor, saved.path.name)
                    if column.count == 1:
                        shared[tensor.name] = arrays[tensor.name]
                name = saved.path.stem if saved.count == 1 else f"{saved.path.stem}, sample {place + 1}"
                broken = [key for key, array in arrays.items() if not np.isfinite(array).all()]
                if broken:
                    taken.broken.append(f"{name} ({', '.join(broken)})")
                    continue
                start = scratch.write(b"".join(arrays[tensor.name].tobytes() for tensor in model.signature.inputs))
                taken.names.append(name)
                taken.starts.append(start)
        finally:
            for stream in streams.values():
                stream.close()


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0:
        block = len(stream.read(min(size, 1 << 20)))
        if not block:
            raise EOFError("it ends early")
        size -= block


def _converted(values: npt.NDArray[Any], tensor: TensorInfo, file: str) -> Array:
    with np.errstate(over="ignore"):  # what is too large for a narrower float becomes infinite, and is left out
        result: Array = values.astype(tensor.dtype)
    if values.dtype.kind in "iu" and not np.array_equal(result, values):
        raise BadInputError(
            f"{tensor.name} of {file} holds whole numbers that do not fit into {tensor.dtype}.", "", "Save it as such."
        )
    return result


def _first_picture(feeds: Arrays, signature: Signature) -> Picture | None:
    tensors = [tensor for tensor in signature.inputs if is_picture(tensor)]
    named = [tensor for tensor in tensors if tensor.name == "target"]
    return next((picture_of(feeds[tensor.name], tensor) for tensor in (*named, *tensors)), None)


def _bytes_of(tensor: TensorInfo) -> int:
    return math.prod(tensor.static_shape) * np.dtype(tensor.dtype).itemsize


def _notes(
    files: Sequence[_File], wanted: Sequence[tuple[_File, list[int]]], refusals: Sequence[StudioError], taken: _Taken
) -> tuple[str, ...]:
    notes = []
    total, chosen = sum(file.count for file in files), sum(len(places) for _, places in wanted)
    if chosen < total:
        notes.append(f"{chosen} of {total} samples were taken, spread evenly.")
    if taken.broken:
        notes.append(f"Left out for NaN or infinite values: {_listed(taken.broken)}.")
    if refusals:
        files_ = "1 file was" if len(refusals) == 1 else f"{len(refusals)} files were"
        notes.append(f"{files_} left out: {refusals[0]}")
    extra = sorted({name for file in files for name in file.extra})
    if extra:
        notes.append(f"Arrays that are no inputs were not read: {_listed(extra)}.")
    return tuple(notes)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) if len(words) <= 5 else f"{', '.join(words[:5])} and {len(words) - 5} more"


def _expected(tensor: TensorInfo) -> str:
    return f"{tensor.name} ({tensor.dtype}, {_size(tensor.static_shape)})"


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"
