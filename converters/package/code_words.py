"""Names, numbers and tables that the generated code of all languages shares."""

from __future__ import annotations

import re
from collections.abc import Sequence

from converters.package.feeding import Fed, Feeding

_RESERVED_WORDS = """
as break bool byte case catch char class const continue data default defer do double else enum error extension
extern false file final float for fun func guard handle if import in init inputs inout int interface internal is
it let long model name namespace new nil null object open operator order out package private protocol public
register repeat results return run scale self session short signed sizeof static struct super switch template
this throw throws true try type typealias typeof union unsigned use val value values var virtual void volatile
when where while bias pixel channel place
"""
"""Of Swift, Kotlin or C++, and names that the generated code uses itself."""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def edge_variables(feeding: Feeding) -> tuple[list[str], list[str]]:
    """Return variables' names of inputs and outputs, all different."""
    taken: set[str] = set()
    return (
        [_variable(fed.name, taken) for fed in feeding.inputs],
        [_variable(fed.name, taken) for fed in feeding.outputs],
    )


def class_name(text: str) -> str:
    """Return a class's name of a family's id or a file's name: demo_swapper becomes DemoSwapper."""
    words = re.findall(r"[A-Za-z0-9]+", text) or ["Model"]
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[0].isalpha() else f"Model{name}"


def number(value: float) -> str:
    """Return a number as Swift, Kotlin and C++ write a floating-point one, without a suffix."""
    text = f"{value + 0.0:.9g}"
    return text if any(sign in text for sign in ".en") else f"{text}.0"


def numbers(values: Sequence[float], suffix: str = "") -> str:
    """Return numbers separated by commas."""
    return ", ".join(f"{number(value)}{suffix}" for value in values)


def places(fed: Fed) -> tuple[int, int, int]:
    """Return for each channel of a picture its place in RGBA bytes."""
    return (2, 1, 0) if fed.colour == "BGR" else (0, 1, 2)


def pixels_words(fed: Fed, kind: str) -> str:
    """Return what pixels a function takes or gives: "128 x 128 pixels, RGBA bytes, row by row"."""
    return f"{fed.width} x {fed.height} pixels, {kind}, row by row"


def numbers_words(fed: Fed) -> str:
    """Return how many numbers a function takes or gives, and of which shape."""
    shape = " x ".join(map(str, fed.shape)) or "1"
    return f"{fed.count} numbers ({shape})" if fed.count > 1 else "one number"


def _variable(name: str, taken: set[str]) -> str:
    words: list[str] = re.findall(r"[A-Za-z0-9]+", name) or ["tensor"]
    text = words[0][:1].lower() + words[0][1:] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    if not text[0].isalpha():
        text = f"tensor{text}"
    if text.lower() in _RESERVED:
        text += "Tensor"
    free, count = text, 2
    while free in taken:
        free, count = f"{text}{count}", count + 1
    taken.add(free)
    return free
