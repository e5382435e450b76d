"""How the command line talks: results on standard output, sentences and progress on standard error."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import time
from typing import TextIO

from converters.errors import OtherContentsError, SizesNeededError, StudioError, TakenError, TrustNeededError
from converters.progress import ProgressMessage

# Errors speak of what to do, in words that are right in a window as well; these are the options that do it here.
_OPTIONS: dict[type[StudioError], str] = {
    TakenError: "Option: --force, to replace it.",
    TrustNeededError: "Option: --trust, if you do.",
    SizesNeededError: "Option: --shape, once for each input.",
    OtherContentsError: "Without source.sha256 in the recipe any contents are taken.",
}


def _harmless(text: str) -> str:
    """Return text without what a terminal would obey: names come from model files, which come from anywhere."""
    return "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text)


def print_result(text: str) -> None:
    """Print the result of a command; signs that the terminal's encoding lacks are spelled out."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    say(text, sys.stdout)


def say(text: str, stream: TextIO) -> None:
    """Print a line; whoever stops reading (`| head`) gets no more of it, and nobody else hears of that."""
    try:
        print(_harmless(text), file=stream, flush=True)
    except BrokenPipeError:
        # what is still buffered would raise again when the interpreter ends
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def report_error(error: StudioError, is_json: bool) -> int:
    """Say what went wrong, and which option is the way out here; return the exit status."""
    option = _OPTIONS.get(type(error), "")
    if option:
        error = type(error)(error.what, error.why, f"{error.remedy} {option}".strip())
    say(str(error), sys.stderr)
    if is_json:
        print_result(json.dumps({"exit_status": error.exit_status, "error": error.to_json()}))
    return error.exit_status


class ProgressPrinter:
    """Progress on standard error: a line whenever a stage begins, and at most one in ten seconds from then on."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._printed: dict[str, float] = {}

    def __call__(self, message: ProgressMessage) -> None:
        now = time.monotonic()
        if now - self._printed.get(message.stage, -math.inf) < 10:
            return
        self._printed[message.stage] = now
        detail = f" ({message.detail})" if message.detail else ""
        line = f"[{now - self._start:6.1f} s] {message.stage}{detail}"
        say(line, sys.stderr)
