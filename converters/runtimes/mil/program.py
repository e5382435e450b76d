"""A saved Core ML package as a program that runs anywhere: loaded without Core ML, carried out with torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch

from converters.errors import BadInputError, UnsupportedError, did_you_mean
from converters.progress import Progress
from converters.runtimes.base import Array, Arrays
from converters.runtimes.mil.constants import ConstantReader
from converters.runtimes.mil.coremltools_import import coreml_schema
from converters.runtimes.mil.execution import Executor, to_declared
from converters.runtimes.mil.graph import Block, NamedType, Operation, Reference, read_block
from converters.runtimes.mil.package import PackageFiles, open_package
from converters.runtimes.mil.value_types import NUMPY, TORCH, ValueType, read_type

Precision = Literal["fp32", "fp16"]

_COLOURS = {10: "GRAYSCALE", 20: "RGB", 30: "BGR", 40: "GRAYSCALE"}


@dataclass(frozen=True)
class ProgramEdge:
    """An input or output of a program, as the file has it.

    Attributes:
        name: in the file.
        shape: sizes, -1 for a flexible axis.
        dtype: numpy's name.
        colour: of an image-type input or output ("RGB", "BGR", "GRAYSCALE"), whose tensor is NCHW with values
            0..255; empty for a plain tensor.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    colour: str = ""


class MilProgram:
    """The main function of a `.mlpackage`, with its weights in memory.

    Attributes:
        path: the package.
        inputs, outputs: in the order of the file's description.
        metadata: the user-defined metadata of the file.
        opset: the operator set it was made for ("CoreML6" for iOS 16, …).
    """

    def __init__(
        self,
        path: Path,
        block: Block,
        inputs: tuple[ProgramEdge, ...],
        outputs: tuple[ProgramEdge, ...],
        metadata: dict[str, str],
        opset: str,
    ) -> None:
        self.path = path
        self.inputs = inputs
        self.outputs = outputs
        self.metadata = metadata
        self.opset = opset
        self._block = block
        self._executor = Executor(block, path.name)

    @classmethod
    def load(cls, package: Path) -> Self:
        """Read a package, checking all of it before use; nothing outside the package's folder is touched.

        Raises:
            UnsafeInputError: the package reaches outside its folder.
            BadInputError: it is broken, or holds something else than an ML program.
            UnsupportedError: an input or output is no tensor of known rank, or coremltools is not installed.
        """
        files = open_package(Path(package))
        model = _parse(files)
        if model.WhichOneof("Type") != "mlProgram":
            raise BadInputError(
                f"{files.root.name} holds {model.WhichOneof('Type') or 'no model'}, not an ML program.",
                "Files of the older kinds run in Core ML only.",
                "Export it for iOS 15 or newer.",
            )
        name, description = _main_function(model, files)
        function = model.mlProgram.functions[name]
        if function.opset not in function.block_specializations:
            raise BadInputError(f"{files.root.name} has no program for its operator set {function.opset!r}.")
        given = tuple(
            NamedType(item.name, read_type(item.type, f"The input {item.name!r} of {files.root.name}"))
            for item in function.inputs
        )
        if len({item.name for item in given}) != len(given):
            raise BadInputError(f"{files.root.name} has two inputs of one name.")
        block = read_block(
            function.block_specializations[function.opset],
            given,
            frozenset(),
            ConstantReader(files),
            files.root.name,
        )
        declared = {item.name: item.type for item in given}
        inputs = tuple(_edge(item, declared, "input", files) for item in description.input)
        if {edge.name for edge in inputs} != {item.name for item in given if item.type.dtype != "state"}:
            raise BadInputError(f"{files.root.name} describes other inputs than its program has.")
        computed = {name: block.types[name] for name in block.outputs if name in block.types}
        outputs = tuple(_edge(item, computed, "output", files) for item in description.output)
        metadata = {str(key): str(value) for key, value in model.description.metadata.userDefined.items()}
        return cls(files.root, block, inputs, outputs, metadata, str(function.opset))

    @property
    def intermediate_names(self) -> tuple[str, ...]:
        """Every computed value in order, the outputs included, constants and weights excepted."""
        return tuple(
            output.name
            for operation in self._block.operations
            if not operation.kind.startswith("constexpr_")
            for output in operation.outputs
        )

    def value_type(self, name: str) -> ValueType:
        """Return what the program declares of the value called `name`; a KeyError is a bug of the caller."""
        return self._block.types[name]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operator of the main function in order, compressed weights included, plain constants excepted."""
        return self._block.operations

    def constant(self, operation: Operation, parameter: str) -> torch.Tensor:
        """Return an operator's argument that is stored in the file.

        Raises:
            BadInputError: there is no such argument, or it is computed, or no tensor.
        """
        values = operation.arguments.get(parameter, ())
        value = values[0] if len(values) == 1 else None
        stored = self._block.constants.get(value.name) if isinstance(value, Reference) else value
        if not isinstance(stored, torch.Tensor):
            raise BadInputError(f"The operator {operation.label} of {self.path.name} has no constant {parameter!r}.")
        return stored

    def operation_kinds(self) -> dict[str, int]:
        """Return how often each operator occurs, constants excepted."""
        kinds: dict[str, int] = {}
        for operation in self._block.operations:
            kinds[operation.kind] = kinds.get(operation.kind, 0) + 1
        return kinds

    def unsupported_operations(self) -> list[str]:
        """Return the operators that `run` does not know, each named with its outputs."""
        return self._executor.unsupported()

    def run(
        self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None, precision: Precision = "fp16"
    ) -> Arrays:
        """Run the program once on the CPU.

        Args:
            feeds: every input by the file's name, in the file's layout; images NCHW 0..255.
            outputs: names of outputs or of any other value of the program; None for the outputs.
            precision: "fp16" rounds every value that the program declares half precision to half precision after
                each operator, which itself computes in float32, as a device may; "fp32" rounds nothing. Weights are
                as stored in both, values declared float32 stay so in both.

        Returns:
            Values by name, in the file's layout and types; with "fp32" half-precision values come as float32.

        Raises:
            UnsupportedError: the program has operators that are not implemented; names all of them.
            BadInputError: feeds that do not fit, an unknown name, or a program that cannot be carried out.
        """
        wanted = list(outputs) if outputs is not None else [edge.name for edge in self.outputs]
        for name in wanted:
            if name not in self._block.types:
                known = [*self.intermediate_names, *(edge.name for edge in self.inputs)]
                raise BadInputError(f"{self.path.name} has no value {name!r}.", "", did_you_mean(name, known))
        rounded = _is_rounded(precision)
        results = self._executor.run(self._tensors(feeds, rounded), wanted, rounded)
        return {name: _to_numpy(results[name], self._block.types[name], rounded) for name in wanted}

    def activation_ranges(
        self,
        feeds: Iterable[Mapping[str, Array]],
        precision: Precision = "fp32",
        progress: Progress | None = None,
    ) -> dict[str, tuple[float, float]]:
        """Return the smallest and largest value of every floating-point input and result over all feeds.

        Args:
            feeds: one complete set of inputs after the other; never held together.
            precision: as for `run`.
            progress: told after each sample; may cancel.

        Returns:
            (smallest, largest) by name; NaN where a NaN appeared. Operators inside loops count too.

        Raises:
            As `run` does.
        """
        ranges: dict[str, tuple[float, float]] = {}

        def observe(name: str, value: torch.Tensor) -> None:
            if not value.is_floating_point() or value.numel() == 0:
                return
            low, high = (float(extreme) for extreme in torch.aminmax(value))
            before = ranges.get(name, (low, high))
            ranges[name] = (float(np.minimum(low, before[0])), float(np.maximum(high, before[1])))

        rounded = _is_rounded(precision)
        for count, sample in enumerate(feeds, start=1):
            self._executor.run(self._tensors(sample, rounded), (), rounded, observe)
            if progress is not None:
                progress("Collecting ranges", 0.0, f"{count} samples")
        return ranges

    def _tensors(self, feeds: Mapping[str, Array], rounded: bool) -> dict[str, torch.Tensor]:
        unknown = set(feeds) - {edge.name for edge in self.inputs}
        if unknown:
            raise BadInputError(f"{self.path.name} has no input {', '.join(sorted(unknown))}.")
        tensors: dict[str, torch.Tensor] = {}
        for edge in self.inputs:
            if edge.name not in feeds:
                raise BadInputError(f"{self.path.name} needs the input {edge.name}.")
            array = np.asarray(feeds[edge.name])
            declared = self._block.types[edge.name]
            if not declared.admits(array.shape):
                raise BadInputError(
                    f"The input {edge.name} of {self.path.name} has shape {edge.shape}, got {array.shape}."
                )
            if not np.can_cast(array.dtype, NUMPY[declared.dtype], casting="same_kind"):
                raise BadInputError(f"The input {edge.name} of {self.path.name} is {edge.dtype}, got {array.dtype}.")
            if array.dtype.kind == "u" and array.dtype.itemsize > 1:
                array = array.astype(np.int64)
            tensor = torch.from_numpy(np.array(array)).to(TORCH[declared.dtype])
            tensors[edge.name] = to_declared(tensor, declared, rounded)
        return tensors


def _is_rounded(precision: Precision) -> bool:
    if precision not in ("fp32", "fp16"):
        raise ValueError(f"unknown precision {precision!r}")
    return precision == "fp16"


def _to_numpy(value: torch.Tensor, declared: ValueType, rounded: bool) -> Array:
    array: Array = np.array(value.numpy(), order="C")
    if declared.is_float and not rounded:
        return array
    return array.astype(NUMPY[declared.dtype])


def _parse(files: PackageFiles) -> Any:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    model = coreml_schema().Model()
    try:
        model.ParseFromString(files.specification.read_bytes())
    except DecodeError as error:
        raise BadInputError(
            f"{files.root.name} is a broken Core ML package: {files.specification.name} is not readable.",
            "",
            "Export or download it again.",
        ) from error
    return model


def _main_function(model: Any, files: PackageFiles) -> tuple[str, Any]:
    """Return the name of the function that Core ML runs by default, and what describes its inputs and outputs."""
    description = model.description
    name = description.defaultFunctionName or "main"
    if name not in model.mlProgram.functions:
        known = ", ".join(sorted(model.mlProgram.functions)[:10])
        raise BadInputError(f"{files.root.name} has no function {name!r}.", f"It has: {known}." if known else "")
    for item in description.functions:
        if item.name == name:
            return name, item
    return name, description


def _edge(item: Any, declared: dict[str, ValueType], what: str, files: PackageFiles) -> ProgramEdge:
    value_type = declared.get(item.name)
    if value_type is None:
        raise BadInputError(f"{files.root.name} describes the {what} {item.name!r}, which its program does not have.")
    if value_type.shape is None or value_type.dtype not in NUMPY:
        raise UnsupportedError(f"The {what} {item.name!r} of {files.root.name} is no tensor of known rank.")
    dtype = str(NUMPY[value_type.dtype])
    if item.type.WhichOneof("Type") != "imageType":
        return ProgramEdge(item.name, value_type.shape, dtype)
    colour = _COLOURS.get(item.type.imageType.colorSpace)
    if colour is None or len(value_type.shape) != 4:
        raise BadInputError(f"The image {item.name!r} of {files.root.name} has an unknown kind of pixels.")
    return ProgramEdge(item.name, value_type.shape, dtype, colour)
