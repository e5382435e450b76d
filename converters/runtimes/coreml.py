"""Core ML packages as Sessions: in Core ML on a Mac, in the reference executor everywhere else."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from converters.errors import BadInputError, UnsupportedError
from converters.model.signature import Signature, TensorInfo
from converters.runtimes.base import Array, Arrays, Session, TensorSpec
from converters.targets.metadata import METADATA_KEY, ArtifactMetadata, EdgeBinding

if TYPE_CHECKING:
    from converters.runtimes.mil.program import MilProgram, ProgramEdge

REFERENCE_LABEL = "reference executor: numbers right, speed not"
CORE_ML_LABEL = "Core ML"
_PIXEL_RANGE = 255.0


class CoreMLSession(Session):
    """A `.mlpackage` that runs.

    Names and layout are the ONNX graph's where the file's metadata gives them, otherwise the file's own. An image-type
    input or output appears in the graph's own range where the metadata gives it (mean and std, or the value range),
    otherwise as float32 NCHW with values 0..255 in the file's colour order. The reference executor takes such values
    as they are; Core ML itself takes pixels of 8 bits, so there they are rounded.

    Args:
        path: the package.
        threads: of torch, while the reference executor runs; Core ML decides for itself.
        compute_precision: of the reference executor: "fp16" rounds every value that the program declares half
            precision to half precision, as the program's own types say; "fp32" rounds nothing.
        reference: use the reference executor even where Core ML is.

    Attributes:
        is_reference: whether the reference executor runs it.
        label: what runs it, in words for people.
        metadata: what the file says about itself, None when it was not made by this program.

    Raises:
        BadInputError: the package is broken or unsafe.
        UnsupportedError: off a Mac: the program has operators that the reference executor does not know.
    """

    runtime: ClassVar[str] = "coreml"

    def __init__(
        self,
        path: Path,
        *,
        threads: int | None = None,
        compute_precision: Literal["fp32", "fp16"] = "fp16",
        reference: bool = False,
    ) -> None:
        self.compute_precision = compute_precision
        self.is_reference = reference or not _core_ml_predicts()
        self.label = REFERENCE_LABEL if self.is_reference else CORE_ML_LABEL
        self._program: MilProgram | None = None
        self._model: Any = None
        self._edges: dict[str, _Edge] = {}
        super().__init__(path, threads=threads)

    @property
    def program(self) -> MilProgram:
        """The program that the reference executor runs; a RuntimeError where Core ML runs the package itself."""
        if self._program is None:
            raise RuntimeError(f"{self.path.name} is not open in the reference executor")
        return self._program

    def _open(self) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        from converters.runtimes.mil.program import MilProgram

        # Also on a Mac: everything is checked before the package is handed on.
        program = MilProgram.load(self.path)
        self.metadata = ArtifactMetadata.from_text(program.metadata.get(METADATA_KEY, ""))
        found = program.outputs
        if self.is_reference and self.compute_precision == "fp32":  # nothing is rounded, outputs neither
            found = tuple(replace(edge, dtype="float32") if edge.dtype == "float16" else edge for edge in found)
        inputs = _edges(program.inputs, self.metadata, "inputs", self.path)
        outputs = _edges(found, self.metadata, "outputs", self.path)
        self._edges = {edge.spec.name: edge for edge in (*inputs, *outputs)}
        if self.is_reference:
            missing = program.unsupported_operations()
            if missing:
                raise UnsupportedError(
                    f"{self.path.name} cannot be run here: the reference executor does not know {'; '.join(missing)}.",
                    "",
                    "Open it on a Mac.",
                )
            self._program = program
        else:
            self._model = _open_in_core_ml(self.path)
        return tuple(edge.spec for edge in inputs), tuple(edge.spec for edge in outputs)

    def _run(self, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        in_file = {
            self._edges[name].binding.file_name: self._edges[name].to_file(array) for name, array in feeds.items()
        }
        wanted = [self._edges[name].binding.file_name for name in outputs]
        results = self._run_reference(in_file, wanted) if self.is_reference else self._run_core_ml(in_file)
        return {name: self._edges[name].from_file(results[self._edges[name].binding.file_name]) for name in outputs}

    def _run_reference(self, feeds: Arrays, wanted: list[str]) -> Arrays:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            return self.program.run(feeds, wanted, self.compute_precision)
        finally:
            torch.set_num_threads(threads)

    def _run_core_ml(self, feeds: Arrays) -> Arrays:
        images = {edge.binding.file_name: edge.colour for edge in self._edges.values() if edge.colour}
        given = {name: _to_picture(array, images[name]) if name in images else array for name, array in feeds.items()}
        return {
            name: _from_picture(value, images[name]) if name in images else np.asarray(value)
            for name, value in self._model.predict(given).items()
        }

    def _close(self) -> None:
        self._program = None
        self._model = None


class _Edge:
    """How one input or output of a session maps to the file's."""

    def __init__(self, in_file: ProgramEdge, binding: EdgeBinding, info: TensorInfo | None, is_input: bool) -> None:
        self.binding = binding
        self.colour = in_file.colour
        self._dtype = in_file.dtype
        self._info = info if in_file.colour else None
        self._flips = (
            info is not None
            and info.colour is not None
            and in_file.colour in ("RGB", "BGR")
            and info.colour.value != in_file.colour
        )
        dtype = info.dtype if is_input and info is not None else in_file.dtype
        self.spec = TensorSpec(binding.name, binding.shape, dtype)

    def to_file(self, array: Array) -> Array:
        """Return the graph's values in the file's layout, type and range."""
        values = np.asarray(array.transpose(self.binding.permutation), dtype=self._dtype, order="C")
        if self._info is None:
            return values
        scale, shift = _pixel_mapping(self._info)
        pixels = values * scale + shift
        return np.asarray(pixels[:, ::-1] if self._flips else pixels, dtype=self._dtype, order="C")

    def from_file(self, array: Array) -> Array:
        """Return the file's values in the graph's layout and range."""
        if self._info is not None:
            scale, shift = _pixel_mapping(self._info)
            pixels = array[:, ::-1] if self._flips else array
            array = np.asarray((pixels.astype(np.float32) - shift) / scale, dtype=self._dtype)
        restored: Array = self.binding.from_file(array)
        return restored


def _pixel_mapping(info: TensorInfo) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return scale and shift, (1, C, 1, 1) or (1, 1, 1, 1), with pixel = value * scale + shift, pixels 0..255."""
    if info.mean and info.std:
        mean, std = np.asarray(info.mean, np.float64), np.asarray(info.std, np.float64)
        scale, shift = std * _PIXEL_RANGE, mean * _PIXEL_RANGE
    elif info.value_range is not None:
        low, high = info.value_range
        scale = np.asarray([_PIXEL_RANGE / (high - low)])
        shift = -low * scale
    else:
        scale, shift = np.ones(1), np.zeros(1)
    return (
        scale.astype(np.float32).reshape(1, -1, 1, 1),
        shift.astype(np.float32).reshape(1, -1, 1, 1),
    )


def _edges(
    in_file: tuple[ProgramEdge, ...], metadata: ArtifactMetadata | None, side: Literal["inputs", "outputs"], path: Path
) -> list[_Edge]:
    is_input = side == "inputs"
    if metadata is None:
        return [
            _Edge(
                edge,
                EdgeBinding(edge.name, edge.name, edge.shape, tuple(range(len(edge.shape))), edge.dtype),
                None,
                is_input,
            )
            for edge in in_file
        ]
    by_name = {edge.name: edge for edge in in_file}
    bindings: tuple[EdgeBinding, ...] = getattr(metadata, side)
    if {binding.file_name for binding in bindings} != by_name.keys() or len(bindings) != len(by_name):
        raise _misdescribed(path)
    edges = []
    for binding in bindings:
        edge = by_name[binding.file_name]
        info = _described(metadata.signature, side, binding.name)
        _check_binding(binding, edge, info, path)
        edges.append(_Edge(edge, binding, info, is_input))
    return edges


def _described(signature: Signature, side: Literal["inputs", "outputs"], name: str) -> TensorInfo | None:
    tensors: tuple[TensorInfo, ...] = getattr(signature, side)
    return next((tensor for tensor in tensors if tensor.name == name), None)


def _check_binding(binding: EdgeBinding, edge: ProgramEdge, info: TensorInfo | None, path: Path) -> None:
    """Refuse metadata that does not fit the file; it comes from the file and may say anything."""
    sizes_are_integers = all(type(size) is int for size in (*binding.shape, *binding.permutation))
    if not sizes_are_integers or sorted(binding.permutation) != list(range(len(edge.shape))):
        raise _misdescribed(path)
    if len(binding.shape) != len(edge.shape) or not isinstance(binding.name, str):
        raise _misdescribed(path)
    if any(want not in (-1, have) for want, have in zip(edge.shape, binding.file_shape, strict=True)):
        raise _misdescribed(path)
    if info is None:
        return
    try:
        np.dtype(info.dtype)
        scale, shift = _pixel_mapping(info)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise _misdescribed(path) from error
    if not edge.colour:
        return
    fits = all(part.shape[1] in (1, edge.shape[1]) for part in (scale, shift))
    if not fits or not np.isfinite(scale).all() or not np.isfinite(shift).all() or not scale.all():
        raise _misdescribed(path)


def _misdescribed(path: Path) -> BadInputError:
    return BadInputError(
        f"What {path.name} says about its inputs and outputs is not what its program has.",
        "The file was changed after it was made.",
        "Export it again.",
    )


def _core_ml_predicts() -> bool:
    """Return whether this is a Mac whose coremltools can run models."""
    if platform.system() != "Darwin":
        return False
    from converters.runtimes.mil.coremltools_import import import_coremltools

    import_coremltools()
    from coremltools.models.model import _MLModelProxy

    return _MLModelProxy is not None


def _open_in_core_ml(path: Path) -> Any:
    from converters.runtimes.mil.coremltools_import import import_coremltools

    try:
        return import_coremltools().models.MLModel(str(path))
    except Exception as error:  # Core ML reports everything as RuntimeError or a bare Exception
        raise BadInputError(f"Core ML refuses {path.name}.", f"{error}"[:500], "Export it again.") from error


def _to_picture(array: Array, colour: str) -> Any:
    """Return a (1, C, H, W) array of values 0..255 as the picture that Core ML takes: RGB or grey, 8 bits."""
    from PIL import Image

    pixels = np.clip(np.rint(array[0]), 0, 255).astype(np.uint8)
    if colour == "GRAYSCALE":
        return Image.fromarray(pixels[0])
    red_first = pixels[::-1] if colour == "BGR" else pixels  # Core ML itself brings RGB into the file's order
    return Image.fromarray(np.ascontiguousarray(red_first.transpose(1, 2, 0)))


def _from_picture(picture: Any, colour: str) -> Array:
    """Return Core ML's picture as a (1, C, H, W) float32 array of values 0..255 in the file's colour order."""
    pixels = np.asarray(picture, dtype=np.float32)
    if pixels.ndim == 2:
        return pixels[None, None]
    planes = pixels[:, :, :3].transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes[:, ::-1] if colour == "BGR" else planes)
