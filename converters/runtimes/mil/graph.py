"""A program's operators and values, read from the protobuf message and checked for being in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from converters.errors import BadInputError
from converters.runtimes.mil.constants import Constant, ConstantReader
from converters.runtimes.mil.value_types import ValueType, read_type


@dataclass(frozen=True)
class Reference:
    """An argument that is the value called `name`."""

    name: str


Argument = Reference | Constant


@dataclass(frozen=True)
class NamedType:
    """A value's name and declared type."""

    name: str
    type: ValueType


@dataclass(frozen=True)
class Operation:
    """One operator.

    Attributes:
        kind: MIL's name of it ("conv").
        arguments: by parameter name; several for a parameter that takes a tuple.
        outputs: names and types of what it yields.
        blocks: of control flow.
        reads: every name it needs, those of its blocks from outside included.
        stored: types of the arguments that are kept with the operator itself, by parameter name.
    """

    kind: str
    arguments: dict[str, tuple[Argument, ...]]
    outputs: tuple[NamedType, ...]
    blocks: tuple[Block, ...]
    reads: frozenset[str]
    stored: dict[str, ValueType] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The operator as it is named in messages."""
        return f"{self.kind} {self.outputs[0].name!r}" if self.outputs else self.kind


@dataclass(frozen=True)
class Block:
    """Operators in order, and the names of what they compute.

    Attributes:
        inputs: values the block is given under names of its own.
        operations: in order; constants are not among them.
        outputs: names.
        constants: values of the block's constants, by name.
        types: declared types of everything defined here.
    """

    inputs: tuple[NamedType, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]
    constants: dict[str, Constant] = field(repr=False)
    types: dict[str, ValueType] = field(repr=False)


def walk(block: Block) -> Iterator[Operation]:
    """Yield every operator of `block` and of the blocks inside it."""
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from walk(inner)


def read_block(
    proto: Any, inputs: tuple[NamedType, ...], outer: frozenset[str], reader: ConstantReader, file_name: str
) -> Block:
    """Return the block that a MIL `Block` message describes.

    Args:
        proto: the message.
        inputs: values that exist before the first operator.
        outer: names visible from around the block.
        reader: for constants.
        file_name: names the package in errors.

    Raises:
        BadInputError: a value is used before it exists, defined twice, or broken.
    """
    constants: dict[str, Constant] = {}
    types = {item.name: item.type for item in inputs}
    operations: list[Operation] = []
    for message in proto.operations:
        outputs = tuple(
            NamedType(item.name, read_type(item.type, f"{item.name!r} of {file_name}")) for item in message.outputs
        )
        for output in outputs:
            if not output.name or output.name in types or output.name in outer:
                raise BadInputError(f"{file_name} defines {output.name!r} twice.", "The file is damaged.")
        if message.type == "const":
            if len(outputs) != 1 or "val" not in message.attributes:
                raise BadInputError(f"{file_name} has a constant without a value.", "The file is damaged.")
            name = outputs[0].name
            constants[name], declared = reader.read(message.attributes["val"], f"The constant {name!r} of {file_name}")
            types[name] = declared
            continue
        visible = outer | types.keys()
        operations.append(_read_operation(message, outputs, visible, reader, file_name))
        types.update({output.name: output.type for output in outputs})
    for name in proto.outputs:
        if name not in types and name not in outer:
            raise BadInputError(f"{file_name} has the output {name!r}, which nothing computes.", "The file is damaged.")
    return Block(inputs, tuple(operations), tuple(proto.outputs), constants, types)


def _read_operation(
    message: Any, outputs: tuple[NamedType, ...], visible: frozenset[str], reader: ConstantReader, file_name: str
) -> Operation:
    what = f"An argument of {message.type} {outputs[0].name if outputs else ''!r} of {file_name}"
    arguments: dict[str, tuple[Argument, ...]] = {}
    reads: set[str] = set()
    stored: dict[str, ValueType] = {}
    # Compressed weights of the older file versions keep their parameters as attributes.
    for key, value in message.attributes.items():
        if key != "name":
            constant, stored[key] = reader.read(value, what)
            arguments[key] = (constant,)
    for key, argument in message.inputs.items():
        bindings: list[Argument] = []
        for binding in argument.arguments:
            if binding.WhichOneof("binding") == "name":
                if binding.name not in visible:
                    raise BadInputError(
                        f"{file_name} uses {binding.name!r} before it is computed.", "The file is damaged."
                    )
                bindings.append(Reference(binding.name))
                reads.add(binding.name)
            else:
                constant, stored[key] = reader.read(binding.value, what)
                bindings.append(constant)
        arguments[key] = tuple(bindings)
    blocks: list[Block] = []
    for inner in message.blocks:
        given = tuple(NamedType(item.name, read_type(item.type, what)) for item in inner.inputs)
        block = read_block(inner, given, visible - {item.name for item in given}, reader, file_name)
        blocks.append(block)
        reads |= _captured(block)
    return Operation(message.type, arguments, outputs, tuple(blocks), frozenset(reads), stored)


def _captured(block: Block) -> set[str]:
    needed = set(block.outputs)
    for operation in block.operations:
        needed |= operation.reads
    return needed - block.types.keys()
