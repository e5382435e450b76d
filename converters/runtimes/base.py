"""The one way to run anything: a Session, whatever the file format behind it."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from converters.closing import Closing
from converters.errors import BadInputError

if TYPE_CHECKING:
    from converters.targets.metadata import ArtifactMetadata

Array = npt.NDArray[np.generic]
Arrays = dict[str, Array]


@dataclass(frozen=True)
class TensorSpec:
    """A tensor at a session's edge, in our order: the ONNX graph's shape (NCHW), whatever the file uses.

    Attributes:
        name: the ONNX graph's name where the file's metadata gives it, otherwise the file's own.
        shape: sizes; -1 for an axis the runtime takes as it comes.
        dtype: numpy's name.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str


def default_threads() -> int:
    """Return the number of threads a session uses unless told: the cores this process may use, at most 4."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 4)


class Session(Closing):
    """An opened Artifact or Model that runs.

    The base class checks names, shapes and types of what goes in, and what comes out; a backend implements
    `_open`, `_run` and `_close`. Use as a context manager: native memory is freed when the block ends.

    Args:
        path: the file or package.
        threads: of the runtime's own pool; None for `default_threads`.

    Raises:
        BadInputError: the file does not exist or the runtime refuses it.
    """

    runtime: ClassVar[str]

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self.path = Path(path)
        self.threads = threads or default_threads()
        self.inputs: tuple[TensorSpec, ...] = ()
        self.outputs: tuple[TensorSpec, ...] = ()
        self.metadata: ArtifactMetadata | None = None  # a backend fills it in where the file has it
        self._is_open = False
        if not self.path.exists():
            raise BadInputError(f"{self.path.name} does not exist.", "", "Check the path.")
        try:
            self.inputs, self.outputs = self._open()
        except BaseException:
            self._close()
            raise
        self._is_open = True

    @abstractmethod
    def _open(self) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        """Open the file; return its inputs and outputs. Raise BadInputError when the runtime refuses it."""

    @abstractmethod
    def _run(self, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        """Run once. `feeds` are complete, contiguous and of the right type and shape."""

    @abstractmethod
    def _close(self) -> None:
        """Free native memory. Called once at most after a successful `_open`, and after a failed one."""

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> Arrays:
        """Run the model on one sample.

        Args:
            feeds: every input by name, in the ONNX graph's layout (NCHW); cast to the input's dtype only
                where that loses nothing but float precision.
            outputs: names wanted; None for all.

        Returns:
            Outputs by name, in the ONNX graph's layout.

        Raises:
            BadInputError: a missing or unknown name, or a wrong shape.
            RuntimeError: the session is closed, a bug of the caller.
        """
        if not self._is_open:
            raise RuntimeError(f"{self.runtime} session of {self.path.name} is closed")
        wanted = tuple(outputs) if outputs is not None else tuple(spec.name for spec in self.outputs)
        unknown = set(wanted) - {spec.name for spec in self.outputs}
        if unknown:
            raise BadInputError(f"{self.path.name} has no output {', '.join(sorted(unknown))}.")
        results = self._run(self._checked(feeds), wanted)
        return {name: results[name] for name in wanted}

    def _checked(self, feeds: Mapping[str, Array]) -> Arrays:
        unknown = set(feeds) - {spec.name for spec in self.inputs}
        if unknown:
            names = ", ".join(spec.name for spec in self.inputs)
            raise BadInputError(f"{self.path.name} has no input {', '.join(sorted(unknown))}.", "", f"Inputs: {names}.")
        checked: Arrays = {}
        for spec in self.inputs:
            if spec.name not in feeds:
                raise BadInputError(f"{self.path.name} needs the input {spec.name}.")
            array = np.asarray(feeds[spec.name])
            fits = len(array.shape) == len(spec.shape) and all(
                want in (-1, have) for want, have in zip(spec.shape, array.shape, strict=True)
            )
            if not fits:
                raise BadInputError(
                    f"The input {spec.name} of {self.path.name} has shape {spec.shape}, got {array.shape}."
                )
            if not np.can_cast(array.dtype, spec.dtype, casting="same_kind"):
                raise BadInputError(f"The input {spec.name} of {self.path.name} is {spec.dtype}, got {array.dtype}.")
            # ascontiguousarray would turn a 0-d array into a 1-d one
            checked[spec.name] = np.asarray(array, dtype=spec.dtype, order="C")
        return checked

    def close(self) -> None:
        """Free native memory now; closing twice is harmless."""
        if self._is_open:
            self._is_open = False
            self._close()
