"""What the window may tell a running preview, by name; `converters.preview.messages` says what each means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from converters.errors import StudioError
from converters.preview.request import Look, SourceChoice

if TYPE_CHECKING:
    from converters.preview.loop import Preview

Data = Mapping[str, Any]
_ABOUT_SOURCE: Final = frozenset({"source", "play", "pause", "step", "seek", "speed", "loop"})


def obey(preview: Preview, command: Data) -> None:
    """Do what was told.

    Raises:
        StudioError: it cannot be done; nothing changed.
        ValueError: there is no such command, a bug of whoever told it.
    """
    name = command["command"]
    if name not in _COMMANDS:
        raise ValueError(f"no command {name!r}")
    try:
        _COMMANDS[name](preview, command)
    finally:
        if name in _ABOUT_SOURCE:
            preview.say_source()


def _look(preview: Preview, command: Data) -> None:
    preview.set_look(Look.from_json(command["look"]))


def _people(preview: Preview, command: Data) -> None:
    preview.set_people(tuple(tuple(person) for person in command["people"]))


def in_order(commands: list[Data]) -> list[Data]:
    """Return what is to be obeyed of commands that came together.

    Slots that came back are there for what the others show; of several looks only the newest is worth drawing.
    """
    looks = [command for command in commands if command["command"] == "look"]
    rest = [each for each in commands if each["command"] != "release" and all(each is not old for old in looks[:-1])]
    return [command for command in commands if command["command"] == "release"] + rest


def _stop(preview: Preview, _command: Data) -> None:
    preview.is_over = True


_COMMANDS: Final[Mapping[str, Callable[[Preview, Data], None]]] = {
    "release": lambda preview, command: preview.release(command["memory"], command["slot"]),
    "look": _look,
    "source": lambda preview, command: preview.set_source(SourceChoice.from_json(command["source"])),
    "candidate": lambda preview, command: preview.candidates.wish(command),
    "people": _people,
    "play": lambda preview, _: preview.capture.play(),
    "pause": lambda preview, _: preview.capture.pause(),
    "step": lambda preview, command: preview.capture.step(int(command["by"])),
    "seek": lambda preview, command: preview.capture.seek(float(command["seconds"])),
    "speed": lambda preview, command: preview.capture.set_speed(float(command["factor"])),
    "loop": lambda preview, command: preview.capture.set_loop(bool(command["is_on"])),
    "phone": lambda preview, command: preview.set_phone(command["profile"], is_throttled=bool(command["is_throttled"])),
    "snapshot": lambda preview, command: preview.snapshot(command),
    "record": lambda preview, command: preview.record(command),
    "stop_recording": lambda preview, command: preview.finisher.stop_recording(command),
    "forget_worst": lambda preview, command: preview.finisher.forget_worst(command),
    "stop": _stop,
}


def refusal(command: Data, error: StudioError) -> dict[str, Any]:
    """Return how is said that a command changed nothing; its number tells whoever told it which one."""
    return {
        "event": "refused",
        "command": command["command"],
        "number": command.get("number"),
        "error": error.to_json(),
    }
