"""Read flatbuffer tables with every bound checked, and put new tables in front of an old file.

Offsets between flatbuffer objects are relative and point forwards. New tables placed *before* an old file can
therefore point into it, and nothing inside the old file changes. So names and metadata of a file of any size are
edited by writing a few kilobytes and then copying the rest as it is.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Weights are aligned to 16 bytes in the old file and must stay so behind the new tables.
HEAD_ALIGNMENT = 64
# A table's offsets are 32-bit numbers of which the format allows 31 bits.
LARGEST_FILE = 2**31 - 1

Data = memoryview


def number(data: Data, position: int, form: str) -> int:
    """Return the number at `position`; IndexError outside the file."""
    if position < 0 or position + struct.calcsize(form) > len(data):
        raise IndexError(f"an offset leads to byte {position} of {len(data)}")
    value: int = struct.unpack_from(form, data, position)[0]
    return value


class Table:
    """A bounds-checked view of one table; an IndexError means a damaged file."""

    def __init__(self, data: Data, position: int) -> None:
        self.data = data
        self.position = position
        self._vtable = position - number(data, position, "<i")
        self._vtable_size = number(data, self._vtable, "<H")
        size = number(data, self._vtable + 2, "<H")
        if self._vtable_size < 4 or self._vtable_size % 2 or self._vtable + self._vtable_size > len(data):
            raise IndexError(f"the table at byte {position} has a list of fields that leaves the file")
        if size < 4 or position + size > len(data):
            raise IndexError(f"the table at byte {position} leaves the file")
        self._size = size

    @property
    def slots(self) -> int:
        """How many fields the table may have."""
        return (self._vtable_size - 4) // 2

    def field(self, slot: int) -> int:
        """Return the position of a field, 0 when it is absent."""
        if slot >= self.slots:
            return 0
        offset = number(self.data, self._vtable + 4 + 2 * slot, "<H")
        if offset >= self._size:
            raise IndexError(f"a field of the table at byte {self.position} lies outside of it")
        return self.position + offset if offset else 0

    def scalar(self, slot: int, form: str, default: int = 0) -> int:
        """Return a number, the schema's default when it is absent."""
        position = self.field(slot)
        return number(self.data, position, form) if position else default

    def target(self, slot: int) -> int:
        """Return the position of what a field points to, 0 when it is absent."""
        field = self.field(slot)
        if not field:
            return 0
        offset = number(self.data, field, "<I")
        if offset == 0 or offset > LARGEST_FILE:
            raise IndexError(f"the offset at byte {field} is no offset")
        return field + offset

    def table(self, slot: int) -> Table | None:
        """Return the table a field points to, None when it is absent."""
        position = self.target(slot)
        return Table(self.data, position) if position else None

    def vector(self, slot: int, item_size: int) -> tuple[int, int]:
        """Return position of the first item and number of items; (0, 0) when the field is absent."""
        position = self.target(slot)
        if not position:
            return 0, 0
        count = number(self.data, position, "<I")
        if position + 4 + count * item_size > len(self.data):
            raise IndexError(f"a list of {count} items at byte {position} leaves the file")
        return position + 4, count

    def octets(self, slot: int) -> Data:
        """Return a vector of bytes as a view of the file."""
        start, count = self.vector(slot, 1)
        return self.data[start : start + count]

    def text(self, slot: int) -> str:
        """Return a string, '' when it is absent; wrong UTF-8 is replaced."""
        return bytes(self.octets(slot)).decode("utf-8", errors="replace")

    def numbers(self, slot: int, form: str) -> tuple[int, ...]:
        """Return a vector of numbers."""
        size = struct.calcsize(form)
        start, count = self.vector(slot, size)
        return tuple(item[0] for item in struct.iter_unpack(form, self.data[start : start + count * size]))

    def targets(self, slot: int) -> Iterator[int]:
        """Give the positions of a vector's tables or strings."""
        start, count = self.vector(slot, 4)
        for field in range(start, start + 4 * count, 4):
            yield field + number(self.data, field, "<I")

    def tables(self, slot: int) -> list[Table]:
        """Return a vector of tables."""
        return [Table(self.data, position) for position in self.targets(slot)]

    def fields(self, kinds: Sequence[str]) -> dict[int, Node]:
        """Return the present fields, to be changed and written again; what they point to stays in the old file.

        Args:
            kinds: for each slot of the schema a struct format, or "" for something that is pointed to.

        Raises:
            ValueError: the table has fields that the schema given does not know.
        """
        extra = [slot for slot in range(len(kinds), self.slots) if self.field(slot)]
        if extra:
            raise ValueError(f"unknown fields {extra}")
        found: dict[int, Node] = {}
        for slot, kind in enumerate(kinds):
            if self.field(slot):
                found[slot] = Scalar(kind, self.scalar(slot, kind)) if kind else Old(self.target(slot))
        return found


@dataclass(frozen=True)
class Scalar:
    """A number in a table, of at most four bytes."""

    form: str
    value: float


@dataclass(frozen=True)
class Old:
    """Something at a position of the old file."""

    position: int


@dataclass(frozen=True)
class Text:
    """A string."""

    value: str


@dataclass(frozen=True)
class Octets:
    """A vector of bytes, aligned to 16."""

    value: bytes


@dataclass(frozen=True)
class Words:
    """A vector of numbers of four bytes each, as they lie in memory."""

    value: bytes


@dataclass(frozen=True)
class Integers:
    """A vector of 32-bit integers."""

    values: tuple[int, ...]


@dataclass(frozen=True)
class References:
    """A vector of tables."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Record:
    """A table: its present fields by slot."""

    fields: dict[int, Node]


Node = Scalar | Old | Text | Octets | Words | Integers | References | Record


def head(root: Record, identifier: bytes) -> bytes:
    """Return the bytes to put before an old file so that `root` becomes the root of both together."""
    data = bytearray(struct.pack("<I", 0) + identifier)
    waiting: deque[tuple[int, Node]] = deque([(0, root)])
    into_old_file: list[tuple[int, int]] = []
    while waiting:
        field, node = waiting.popleft()
        if isinstance(node, Old):
            into_old_file.append((field, node.position))
        else:
            position = _write(data, node, waiting)
            struct.pack_into("<I", data, field, position - field)
    _align(data, HEAD_ALIGNMENT)
    for field, old_position in into_old_file:
        struct.pack_into("<I", data, field, len(data) + old_position - field)
    return bytes(data)


def _align(data: bytearray, alignment: int, shift: int = 0) -> None:
    data.extend(bytes(-(len(data) + shift) % alignment))


def _write(data: bytearray, node: Node, waiting: deque[tuple[int, Node]]) -> int:
    """Append one object, put what it points to in line, and return where it is."""
    if isinstance(node, Record):
        return _write_table(data, node, waiting)
    if isinstance(node, Octets):
        _align(data, 16, shift=4)
        body = node.value
        count = len(node.value)
    elif isinstance(node, Words):
        _align(data, 16, shift=4)
        body = node.value
        count = len(node.value) // 4
    elif isinstance(node, Text):
        _align(data, 4)
        encoded = node.value.encode("utf-8", errors="replace")
        body = encoded + b"\0"
        count = len(encoded)
    elif isinstance(node, Integers):
        _align(data, 4)
        body = struct.pack(f"<{len(node.values)}i", *node.values)
        count = len(node.values)
    else:
        assert isinstance(node, References)
        _align(data, 4)
        first = len(data) + 4
        waiting.extend((first + 4 * index, item) for index, item in enumerate(node.items))
        body = bytes(4 * len(node.items))
        count = len(node.items)
    position = len(data)
    data += struct.pack("<I", count) + body
    return position


def _write_table(data: bytearray, record: Record, waiting: deque[tuple[int, Node]]) -> int:
    forms = {slot: node.form if isinstance(node, Scalar) else "<I" for slot, node in record.fields.items()}
    offsets: dict[int, int] = {}
    size = 4  # the offset of the list of fields
    for slot in sorted(forms, key=lambda slot: -struct.calcsize(forms[slot])):  # the largest first: no gaps
        offsets[slot] = size
        size += struct.calcsize(forms[slot])
    slots = max(forms, default=-1) + 1
    _align(data, 4)
    vtable = len(data)
    data += struct.pack("<HH", 4 + 2 * slots, size)
    data += struct.pack(f"<{slots}H", *(offsets.get(slot, 0) for slot in range(slots)))
    _align(data, 4)
    position = len(data)
    data += bytes(size)
    struct.pack_into("<i", data, position, position - vtable)
    for slot, node in record.fields.items():
        field = position + offsets[slot]
        if isinstance(node, Scalar):
            struct.pack_into(node.form, data, field, node.value)
        else:
            waiting.append((field, node))
    return position
