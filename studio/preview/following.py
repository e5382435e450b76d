"""What a preview would begin with if it began now: the request it began with, and everything it was told since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from converters.preview.request import Look, ModelChoice, PreviewRequest, SourceChoice

Data = dict[str, Any]
_MOST = 64  # commands that a process may still refuse; it answers within a moment


class Followed:
    """A request that follows what the process is told, and goes back where it refuses.

    Args:
        request: it began with.

    Attributes:
        request: it would begin with now.
    """

    def __init__(self, request: PreviewRequest) -> None:
        self.request = request
        self._position: float | None = None
        self._transport: dict[str, Data] = {}
        self._told: dict[int, tuple[str, Data]] = {}  # by number: the command's name, and the values before it
        self._last = 0

    def tell(self, command: Mapping[str, Any]) -> Data:
        """Follow a command; return it with the number that a refusal of it carries."""
        self._last += 1
        name, changed = str(command["command"]), _changes(command)
        if changed:
            self._told[self._last] = (name, {field: getattr(self.request, field) for field in changed})
            self._told.pop(self._last - _MOST, None)
            self.request = replace(self.request, **changed)
        if name == "source":
            self._position, self._transport = None, {}
        elif name in ("speed", "loop"):
            self._transport[name] = dict(command)
        elif name == "seek":
            self._position = command["seconds"]
        return {**command, "number": self._last}

    def refuse(self, number: int | None, command: str) -> None:
        """Go back to what was before a command, unless a later one changed the same.

        Args:
            number: of the command; None where nobody says it: the newest of its name.
            command: its name.
        """
        if number is None:
            number = max((each for each, (name, _) in self._told.items() if name == command), default=0)
        if number not in self._told:
            return
        name, before = self._told.pop(number)
        for later in sorted(self._told):
            if later > number and self._told[later][0] == name:
                self._told[later] = (name, before)
                return
        self.request = replace(self.request, **before)

    def note_position(self, seconds: float) -> None:
        """Take note of where in its clip the newest frame is."""
        self._position = seconds

    def commands_again(self) -> list[Data]:
        """Return what a new process is to be told beside the request, so that it goes on where the old one ended."""
        again = list(self._transport.values())
        if self._position is not None and not self.request.source.is_camera:
            again.append({"command": "seek", "seconds": self._position})
        return again


def _changes(command: Mapping[str, Any]) -> Data:
    """Return the fields of the request that a command changes."""
    match command["command"]:
        case "look":
            return {"look": Look.from_json(command["look"])}
        case "source":
            return {"source": SourceChoice.from_json(command["source"]), "is_paused": False}  # another one plays
        case "candidate":
            return {"candidate": ModelChoice.from_json(command["model"])}
        case "people":
            return {"people": tuple(tuple(person) for person in command["people"])}
        case "phone":
            return {"phone": command["profile"], "is_throttled": command["is_throttled"]}
        case "play":
            return {"is_paused": False}
        case "pause" | "step":
            return {"is_paused": True}
        case _:
            return {}
