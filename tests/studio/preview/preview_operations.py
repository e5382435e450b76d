"""A preview process without models: the real worker, dialogue, messages and shared memory; frames are drawn.

Every pixel of frame n has the value n modulo 200 on both sides, so that a test sees which frame it looks at.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from converters.dialogue import Dialogue
from converters.errors import BadInputError
from converters.preview.messages import FrameReport, SourceReport, SourceState
from converters.preview.slots import Slots

Data = dict[str, Any]
TABLE = {"preview": "tests.studio.preview.preview_operations:preview"}
WIDTH, HEIGHT, SLOTS, BYTES = 64, 36, 3, 4
PACE = 0.005  # seconds between two frames
END = {"kill": signal.SIGKILL, "segfault": signal.SIGSEGV} if hasattr(signal, "SIGKILL") else {}


def preview(arguments: Data, dialogue: Dialogue) -> Data:
    """Show frames; the candidate's path says what goes wrong, and when."""
    return _Drawn(arguments, dialogue).run()


class _Drawn:
    def __init__(self, arguments: Data, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.candidate = arguments["candidate"]["path"]
        self.width = arguments["look"]["width"] or WIDTH
        if arguments["source"]["place"] == "nothing there":
            raise BadInputError("There is nothing there.")
        runs = Path(arguments["folder"])
        runs.mkdir(parents=True, exist_ok=True)
        (runs / f"run-{os.getpid()}").touch()
        if self.candidate == "dies at once":
            os.kill(os.getpid(), signal.SIGKILL)
        self.slots: Slots | None = None
        self.free: list[int] = []
        self.identity = self.dropped = 0
        self.heard: list[str] = []
        self.position = 0.0

    def run(self) -> Data:
        self.dialogue("Opening")
        self.dialogue.say({"event": "models", "kind": "swapper", "draws": True, "sides": []})
        source = SourceReport("drawn", SourceState.PLAYING, False, 0.0, None, 0, None, 25.0, (WIDTH, HEIGHT))
        self.dialogue.say(source.to_json())
        while True:
            self.dialogue("Running")
            while (command := self.dialogue.heard(0)) is not None:
                if command["command"] == "stop" and self.candidate != "stubborn":
                    self._close()
                    return {"frames": self.identity}
                self._obey(command)
            if self.candidate == "stubborn":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                self._frame()
                time.sleep(60)
            self._frame()
            time.sleep(PACE)

    def _obey(self, command: Data) -> None:
        name = command["command"]
        if name == "release":
            if self.slots is not None and command["memory"] == self.slots.path.name:
                self.slots.forget_name()
                self.free.append(command["slot"])
            return
        self.heard.append(name)
        if name == "candidate":
            path = command["model"]["path"]
            if path == "refused":
                self._refuse(command)
            else:
                self.candidate = path
        elif name == "source" and command["source"]["place"] == "nothing there":
            self._refuse(command)
        elif name == "look":
            self.width = command["look"]["width"] or WIDTH
        elif name == "seek":
            self.position = command["seconds"]
        if self.candidate in END:
            os.kill(os.getpid(), END[self.candidate])
        if self.candidate == "hangs":
            time.sleep(60)
        if self.candidate == "bug":
            raise AssertionError("a bug of the preview")

    def _refuse(self, command: Data) -> None:
        error = BadInputError("There is nothing there.").to_json()
        self.dialogue.say(
            {"event": "refused", "command": command["command"], "number": command["number"], "error": error}
        )

    def _frame(self) -> None:
        picture = self.width * HEIGHT * BYTES
        if self.slots is None or self.slots.slot_size < 2 * picture:
            self._close()
            self.slots, self.free = Slots.make(2 * picture, SLOTS), list(range(SLOTS))
            made = {"path": str(self.slots.path), "size": self.slots.size, "slots": SLOTS}
            self.dialogue.say({"event": "memory", **made})
        self.identity += 1
        if not self.free:
            self.dropped += 1
            return
        slot = self.free.pop()
        with self.slots.slot(slot) as memory:
            np.frombuffer(memory, np.uint8)[: 2 * picture] = self.identity % 200
        self.position += PACE
        report = FrameReport(
            memory=self.slots.path.name,
            slot=slot,
            identity=self.identity,
            size=(self.width, HEIGHT),
            full_size=(self.width, HEIGHT),
            taken=time.monotonic(),
            said=time.monotonic(),
            position=self.position,
            index=self.identity,
            name=",".join(self.heard),
            seconds={"original": 0.001, "candidate": 0.001},
            faces=(),
            found=0,
            remark="",
            map=None,
            figures={},
            dropped=self.dropped,
            candidate=self.candidate,
        )
        self.dialogue.say(report.to_json())

    def _close(self) -> None:
        if self.slots is not None:
            self.slots.close()
            self.slots = None
