"""Carrying out a program's operators one after the other, keeping only the values that are still needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from converters.errors import BadInputError, UnsupportedError
from converters.runtimes.mil.call import Call
from converters.runtimes.mil.constants import Constant
from converters.runtimes.mil.graph import Block, Operation, Reference, walk
from converters.runtimes.mil.registry import CONTROL_FLOW, operators
from converters.runtimes.mil.value_types import TORCH, ValueType

Values = dict[str, Constant]
Observer = Callable[[str, torch.Tensor], None]

_MOST_ITERATIONS = 100_000

# What torch raises when the arguments of an operator make no sense. It all comes from the file: shapes, axes, sizes.
_NONSENSE = (
    RuntimeError,
    ValueError,
    IndexError,
    TypeError,
    KeyError,
    OverflowError,
    ArithmeticError,
    NotImplementedError,
    MemoryError,
)


def to_declared(value: torch.Tensor, declared: ValueType, rounded: bool) -> torch.Tensor:
    """Return `value` in the type that the program declares.

    Args:
        value: as computed.
        declared: what it should be.
        rounded: round values declared half precision to half precision.
    """
    value = value.to(TORCH[declared.dtype])
    if rounded and declared.dtype == "fp16":
        return value.half().float()
    if rounded and declared.dtype == "bf16":
        return value.bfloat16().float()
    return value


class Executor:
    """Runs one function of a program.

    Args:
        block: the function's operators.
        file_name: names the package in errors.
    """

    def __init__(self, block: Block, file_name: str) -> None:
        self._block = block
        self._file_name = file_name
        self._decompressed: Values = {}
        self._decompressed_rounded: bool | None = None

    def unsupported(self) -> list[str]:
        """Return every operator that has no implementation, named with its outputs."""
        known = operators().keys() | CONTROL_FLOW
        return [
            f"{operation.kind} ({', '.join(output.name for output in operation.outputs)})"
            for operation in walk(self._block)
            if operation.kind not in known
        ]

    def run(
        self, feeds: dict[str, torch.Tensor], wanted: Iterable[str], rounded: bool, observe: Observer | None = None
    ) -> dict[str, torch.Tensor]:
        """Compute the wanted values.

        Args:
            feeds: every input, in the type it is computed in.
            wanted: names of inputs, constants or results of operators.
            rounded: round values declared half precision after each operator.
            observe: told every input and result as it appears, weights excepted; every operator is then carried out.

        Raises:
            UnsupportedError: an operator without implementation; said before anything runs.
            BadInputError: an operator cannot be carried out as the file has it.
        """
        missing = self.unsupported()
        if missing:
            raise UnsupportedError(
                f"The reference executor does not know {len(missing)} operators of {self._file_name}: "
                f"{'; '.join(missing)}."
            )
        names = set(wanted)
        with torch.inference_mode():
            self._decompress(rounded)
            values: Values = {**self._block.constants, **self._decompressed, **feeds}
            if observe is not None:
                for name, feed in feeds.items():
                    observe(name, feed)
            everything = {output.name for operation in self._block.operations for output in operation.outputs}
            plan = self._plan(names if observe is None else everything)
            self._run_operations(plan, values, names, rounded, observe)
        results: dict[str, torch.Tensor] = {}
        for name in names:
            value = values.get(name)
            if not isinstance(value, torch.Tensor):
                raise BadInputError(f"{self._file_name} has no tensor {name!r}.")
            results[name] = value
        return results

    def _plan(self, wanted: set[str]) -> list[Operation]:
        """Return the operators that the wanted values need, in order."""
        needed = set(wanted)
        plan: list[Operation] = []
        for operation in reversed(self._block.operations):
            if operation.kind.startswith("constexpr_"):
                continue
            if any(output.name in needed for output in operation.outputs):
                plan.append(operation)
                needed |= operation.reads
        return plan[::-1]

    def _decompress(self, rounded: bool) -> None:
        """Compute compressed weights once, and again only when the other rounding is asked for."""
        if self._decompressed_rounded == rounded:
            return
        self._decompressed_rounded, self._decompressed = None, {}
        values = dict(self._block.constants)
        for operation in self._block.operations:
            if operation.kind.startswith("constexpr_"):
                outputs = self._run_one(operation, values, rounded, None)
                values.update(outputs)
                self._decompressed.update(outputs)
        self._decompressed_rounded = rounded

    def _run_operations(
        self,
        plan: list[Operation],
        values: Values,
        keep: set[str],
        rounded: bool,
        observe: Observer | None,
    ) -> None:
        last_use = {name: index for index, operation in enumerate(plan) for name in operation.reads}
        for index, operation in enumerate(plan):
            for name, value in self._run_one(operation, values, rounded, observe).items():
                if observe is not None and isinstance(value, torch.Tensor):
                    observe(name, value)
                if name in last_use or name in keep:
                    values[name] = value
            for name in operation.reads:
                if last_use[name] == index and name not in keep:
                    values.pop(name, None)

    def _run_one(self, operation: Operation, values: Values, rounded: bool, observe: Observer | None) -> Values:
        try:
            results = self._results(operation, values, rounded, observe)
            if len(results) != len(operation.outputs):
                raise BadInputError(
                    f"The operator {operation.label} of {self._file_name} yields {len(results)} values, "
                    f"the file declares {len(operation.outputs)}."
                )
            outputs: Values = {}
            for output, result in zip(operation.outputs, results, strict=True):
                if not output.type.admits(tuple(result.shape)):
                    raise BadInputError(
                        f"The operator {operation.label} of {self._file_name} yields the shape {tuple(result.shape)}, "
                        f"the file declares {output.type.shape}.",
                        "The file is damaged, or made for another runtime.",
                    )
                outputs[output.name] = to_declared(result, output.type, rounded)
            return outputs
        except _NONSENSE as error:
            reason = str(error).strip().splitlines()
            raise BadInputError(
                f"The operator {operation.label} of {self._file_name} cannot be carried out.",
                f"{reason[0][:300]}." if reason else "",
                "The file is damaged, or made for another runtime.",
            ) from error

    def _results(
        self, operation: Operation, values: Values, rounded: bool, observe: Observer | None
    ) -> tuple[torch.Tensor, ...]:
        arguments = {
            parameter: tuple(values[item.name] if isinstance(item, Reference) else item for item in items)
            for parameter, items in operation.arguments.items()
        }
        call = Call(operation, arguments)
        if operation.kind == "cond":
            chosen = operation.blocks[0 if call.flag("pred") else 1]
            return self._run_inner(chosen, (), values, rounded, observe)
        if operation.kind == "while_loop":
            state: tuple[torch.Tensor, ...] = tuple(call.tensors("loop_vars"))
            test, body = operation.blocks
            for _iteration in range(_MOST_ITERATIONS):
                (go_on,) = self._run_inner(test, state, values, rounded, observe)
                if not bool(go_on.item()):
                    return state
                state = self._run_inner(body, state, values, rounded, observe)
            raise BadInputError(f"The loop {operation.label} of {self._file_name} does not end.")
        result = operators()[operation.kind](call)
        return result if isinstance(result, tuple) else (result,)

    def _run_inner(
        self,
        block: Block,
        given: tuple[torch.Tensor, ...],
        outer: Values,
        rounded: bool,
        observe: Observer | None,
    ) -> tuple[torch.Tensor, ...]:
        names = [item.name for item in block.inputs]
        values: Values = {**outer, **block.constants, **dict(zip(names, given, strict=True))}
        self._run_operations(list(block.operations), values, set(block.outputs) | set(names), rounded, observe)
        results = [values[name] for name in block.outputs]
        tensors = tuple(value for value in results if isinstance(value, torch.Tensor))
        if len(tensors) != len(results):
            raise BadInputError(f"A block of {self._file_name} yields something that is no tensor.")
        return tensors
