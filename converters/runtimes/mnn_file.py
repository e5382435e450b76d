"""Read the few things needed from a `.mnn` file without MNN: its business code and its graph's outline.

A `.mnn` is a flatbuffer with the root table Net of MNN's schema (schema/default/MNN.fbs). MNN itself trusts the
file and can crash on a damaged one, so what it would follow blindly is checked here first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from converters.errors import BadInputError

# Field numbers of MNN's schema.
_NET_BIZ_CODE, _NET_OPERATORS, _NET_TENSOR_NAMES = 0, 3, 7
_OPERATOR_INPUTS, _OPERATOR_NAME, _OPERATOR_OUTPUTS = 0, 3, 4


@dataclass(frozen=True)
class MnnOutline:
    """What a `.mnn` file says of itself.

    Attributes:
        business_code: free text; our files keep their metadata here.
        tensor_names: by tensor index.
        operator_count: number of operators of the main graph.
    """

    business_code: str
    tensor_names: tuple[str, ...]
    operator_count: int


class _Table:
    """A bounds-checked view of one flatbuffer table; a struct.error or IndexError means a damaged file."""

    def __init__(self, data: memoryview, position: int) -> None:
        self._data = data
        self._position = position
        self._vtable = position - _integer(data, position, "<i")
        self._vtable_size = _integer(data, self._vtable, "<H")

    def _field(self, number: int) -> int:
        entry = 4 + 2 * number
        if entry + 2 > self._vtable_size:
            return 0
        offset = _integer(self._data, self._vtable + entry, "<H")
        return self._position + offset if offset else 0

    def _target(self, number: int) -> int:
        field = self._field(number)
        return field + _integer(self._data, field, "<I") if field else 0

    def text(self, number: int) -> str:
        position = self._target(number)
        return _text(self._data, position) if position else ""

    def _elements(self, number: int) -> Iterator[int]:
        position = self._target(number)
        if not position:
            return
        count = _integer(self._data, position, "<I")
        if position + 4 + 4 * count > len(self._data):
            raise IndexError(f"a list of {count} elements reaches beyond the end")
        yield from range(position + 4, position + 4 + 4 * count, 4)

    def integers(self, number: int) -> list[int]:
        return [_integer(self._data, element, "<i") for element in self._elements(number)]

    def texts(self, number: int) -> list[str]:
        return [_text(self._data, at + _integer(self._data, at, "<I")) for at in self._elements(number)]

    def tables(self, number: int) -> Iterator[_Table]:
        for at in self._elements(number):
            yield _Table(self._data, at + _integer(self._data, at, "<I"))


def _integer(data: memoryview, position: int, form: str) -> int:
    if position < 0:
        raise IndexError(f"offset {position}")
    value: int = struct.unpack_from(form, data, position)[0]
    return value


def _text(data: memoryview, position: int) -> str:
    length = _integer(data, position, "<I")
    if position + 4 + length > len(data):
        raise IndexError("a text reaches beyond the end")
    return bytes(data[position + 4 : position + 4 + length]).decode("utf-8")


def read_outline(path: Path) -> MnnOutline:
    """Return the outline of a `.mnn` file.

    Raises:
        BadInputError: the file is no `.mnn`, or damaged so that MNN could crash on it.
    """
    import mmap

    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as data,
        ):
            return _outline(data)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise BadInputError(
            f"{path.name} is no readable .mnn file.", f"Its structure is damaged ({error}).", "Export it again."
        ) from error
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read.", f"{error.strerror}.") from error


def _outline(data: memoryview) -> MnnOutline:
    net = _Table(data, _integer(data, 0, "<I"))
    names = net.texts(_NET_TENSOR_NAMES)
    count = 0
    for operator in net.tables(_NET_OPERATORS):
        count += 1
        operator.text(_OPERATOR_NAME)
        for index in operator.integers(_OPERATOR_INPUTS) + operator.integers(_OPERATOR_OUTPUTS):
            if not -1 <= index < len(names):
                raise IndexError(f"operator {count} names tensor {index} of {len(names)}")
    if not count:
        raise IndexError("it has no operators")
    return MnnOutline(net.text(_NET_BIZ_CODE), tuple(names), count)
