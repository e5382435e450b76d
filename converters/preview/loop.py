"""The preview process: frames in, both sides' pictures and numbers out, until it is told to stop."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from converters.dialogue import Dialogue
from converters.errors import StudioError
from converters.face.options import face_options
from converters.preview.capture import Capture
from converters.preview.pairs.opening import open_pair
from converters.preview.publishing import Publisher
from converters.preview.request import Look, ModelChoice, PreviewRequest, SourceChoice
from converters.preview.sources.opening import open_source

Data = dict[str, Any]
_PATIENCE = 0.1  # seconds to wait for a frame before commands are looked at again


def preview(arguments: Data, dialogue: Dialogue) -> Data:
    """Run a preview; see `converters.preview.messages` for what is said and heard meanwhile.

    Args:
        arguments: a `PreviewRequest` as plain data.
        dialogue: hears commands, says frames and what happens; may cancel.

    Returns:
        "frames": how many were shown.

    Raises:
        StudioError: the models or the source cannot be opened.
    """
    with ExitStack() as stack:
        return _Preview(PreviewRequest.from_json(arguments), dialogue, stack).run()


class _Preview:
    def __init__(self, request: PreviewRequest, dialogue: Dialogue, stack: ExitStack) -> None:
        self._dialogue = dialogue
        self._is_over = False
        self._look = request.look
        self._pair = stack.enter_context(
            open_pair(request.original, request.candidate, face_options(request.options), dialogue)
        )
        self._pair.set_people(request.people)
        self._stack = stack
        self._publisher = stack.enter_context(Publisher(dialogue))
        self._capture_stack = stack.enter_context(ExitStack())
        self._capture: Capture | None = None
        self._set_source(request.source)

    def run(self) -> Data:
        while not self._is_over:
            self._dialogue("Running")
            while (command := self._dialogue.heard(0)) is not None:
                self._obey(command)
            frame = self._capture.newest(_PATIENCE) if self._capture is not None else None
            if frame is None:
                continue
            if frame.is_discontinuous:
                self._pair.reset()
            result = self._pair.process(frame.picture, frame.seconds, self._dialogue)
            self._publisher.publish(frame, result, self._look)
        return {"frames": self._publisher.published}

    def _obey(self, command: Data) -> None:
        name = command["command"]
        try:
            if name == "release":
                self._publisher.release(command["memory"], command["slot"])
            elif name == "look":
                self._look = Look.from_json(command["look"])
            elif name == "candidate":
                self._pair.set_candidate(ModelChoice.from_json(command["model"]), self._dialogue)
            elif name == "source":
                self._set_source(SourceChoice.from_json(command["source"]))
            elif name == "stop":
                self._is_over = True
            else:
                raise ValueError(f"no command {name!r}")
        except StudioError as error:
            self._dialogue.say({"event": "refused", "command": name, "error": error.to_json()})

    def _set_source(self, choice: SourceChoice) -> None:
        source = open_source(choice)
        first = 0 if self._capture is None else self._capture.next_identity
        self._capture_stack.close()
        self._capture = self._capture_stack.enter_context(Capture(source, first))
