"""Reading plain JSON data that somebody else may have written: right types, known keys, a bounded depth."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from converters.errors import UsageError, did_you_mean

T = TypeVar("T")
_MOST_BRACKETS = 1_000_000
_DEEPEST = 100
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_WORDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number", bool: "true or false"}


def parse(text: str) -> object:
    """Return the plain data that a JSON text stands for.

    Raises:
        ValueError: it is no JSON, or nested deeper than anything that this program writes.
    """
    # Python's own guard against deep nesting is not enough: some libraries raise the recursion limit.
    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        raise ValueError("it has too many brackets")
    depth = 0
    for match in _MARKS.finditer(text):
        mark = match[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
    data: object = json.loads(text, parse_constant=_refuse_constant)
    return data


def _refuse_constant(word: str) -> object:
    raise ValueError(f"{word} is no JSON number")


def mapping(data: object, where: str, known: tuple[str, ...] = (), needed: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Return `data` if it is an object with known keys only (any, where `known` is empty), and all that are needed.

    Raises:
        UsageError: it is not; with the nearest known key.
    """
    if not isinstance(data, dict):
        raise UsageError(f"{where} must be {_WORDS[dict]}, not {_described(data)}.")
    for key in data:
        if known and key not in known:
            raise UsageError(f"{where} has an unknown key {key[:80]!r}.", "", did_you_mean(key[:80], known))
    for key in needed:
        if key not in data:
            raise UsageError(f"{where} lacks the key {key!r}.")
    return data


def typed(value: object, kind: type[T], where: str) -> T:
    """Return `value` if it is of this very type; true and false are no numbers.

    Raises:
        UsageError: it is not.
    """
    if type(value) is not kind:
        raise UsageError(f"{where} must be {_WORDS[kind]}, not {_described(value)}.")
    return value


def _described(value: object) -> str:
    text = "null" if value is None else _WORDS.get(type(value), repr(value))
    return text if not isinstance(value, str | int | float) or isinstance(value, bool) else repr(value)[:60]
