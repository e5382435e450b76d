"""The preview process: frames in, both sides' pictures and numbers out, until it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from converters.dialogue import Dialogue
from converters.errors import CancelledError, StudioError
from converters.face.faces import Picture
from converters.face.options import face_options
from converters.preview.candidates import CandidateOpener
from converters.preview.capture import Capture, Frame
from converters.preview.commands import in_order, obey, refusal
from converters.preview.finishing import Finisher
from converters.preview.measures import IDENTITY_EVERY, WHOLE_KINDS, Cosines
from converters.preview.pacing import Pacing
from converters.preview.pairs.base import PairCrop, PairResult
from converters.preview.pairs.opening import open_pair
from converters.preview.reporting import SourceReporter
from converters.preview.request import Look, PreviewRequest, SourceChoice
from converters.preview.treated import Treated
from converters.preview.troubles import Troubles
from converters.progress import Progress

Data = dict[str, Any]
_PATIENCE = 0.05  # seconds to wait for a frame before commands are looked at again
_BEAT_EVERY = 2.0  # seconds between two signs of life
_SOON = 0.2  # seconds; where the last frame is older there may be none for long, and it is shown anew


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
        return Preview(PreviewRequest.from_json(arguments), dialogue, stack).run()


class Preview:
    """The loop. Frames are treated here; what comes after is the finisher's, in a thread beside the next frame.

    Args:
        request: what to begin with.
        dialogue: hears commands, says what happens.
        stack: closes what is opened.

    Attributes:
        capture, candidates, finisher: its parts, which commands tell what to do.
        look: how frames are shown.
        is_over: it was told to stop.

    Raises:
        StudioError: the models or the source cannot be opened.
    """

    capture: Capture
    candidates: CandidateOpener
    finisher: Finisher

    def __init__(self, request: PreviewRequest, dialogue: Dialogue, stack: ExitStack) -> None:
        self._dialogue = dialogue
        self._beaten = 0.0
        # the stages of every frame would say nothing new; whoever listens wants to know that it lives
        self._quiet = Progress(lambda _: self._beat(), dialogue.is_cancelled)
        self.is_over = False
        self.look = request.look
        self._treated = 0
        self._buffers: list[Picture] = [np.empty((0, 0, 3), np.uint8)] * 2
        self._came = 0.0  # when the last frame was captured
        self._waited = 0.0  # seconds since the last frame in which there was none
        self._is_look_new = self._is_pair_new = False  # since the last frame
        self._troubles = Troubles(dialogue)
        self._pair = stack.enter_context(
            open_pair(request.original, request.candidate, face_options(request.options), dialogue)
        )
        self._pair.set_people(request.people)
        self._candidate = request.candidate
        self.candidates = stack.enter_context(CandidateOpener(self._pair))
        self._pacing = Pacing()
        command = {"command": "phone", "profile": request.phone, "is_throttled": request.is_throttled}
        try:
            obey(self, command)
        except StudioError as error:  # the comparison is worth more than the phone
            dialogue.say(refusal(command, error))
        dialogue("Opening the source")
        self.capture = stack.enter_context(Capture(request.source, is_paused=request.is_paused))
        self.finisher = stack.enter_context(Finisher(dialogue, Path(request.folder)))
        self._reporter = stack.enter_context(SourceReporter(self.capture.report, dialogue.say))
        self._is_discontinuous = True

    def run(self) -> Data:
        """Treat frames until told to stop."""
        self._say_models()
        self._reporter.start()
        while not self.is_over:
            self._quiet("Running")
            self.finisher.check()
            self._reporter.check()
            left = self._pacing.left()
            self._hear(min(left, _PATIENCE))
            self._take_candidate()
            if left > 0:
                self._show_anew()
            elif not self.is_over:
                self._go_on()
        self.finisher.wait()
        return {"frames": self.finisher.finished}

    def _beat(self) -> None:
        """Say now and then that it is at work, also while nothing moves."""
        now = time.monotonic()
        if now - self._beaten >= _BEAT_EVERY:
            self._beaten = now
            self._dialogue("Running")

    def _hear(self, patience: float) -> None:
        """Obey what was told; wait for the first so many seconds."""
        told: list[Mapping[str, Any]] = []
        while (heard := self._dialogue.heard(patience)) is not None:
            patience = 0.0
            told.append(heard)
        for command in in_order(told):
            if self.is_over:
                return
            try:
                obey(self, command)
            except CancelledError:
                raise
            except StudioError as error:
                self._dialogue.say(refusal(command, error))

    def release(self, memory: str, slot: int) -> None:
        """Take a slot back."""
        self.finisher.publisher.release(memory, slot)

    # what commands change --------------------------------------------------------------------------------------------

    def set_source(self, choice: SourceChoice) -> None:
        """Read another source; StudioError where it cannot be opened."""
        self.capture.change(choice)
        self._is_discontinuous = True
        self._forget_worst()

    def set_people(self, people: tuple[tuple[str, ...], ...]) -> None:
        """Let others appear; StudioError where a picture of them is of no use."""
        self._pair.set_people(people)
        self._forget_worst()
        self._is_pair_new = True

    def set_look(self, look: Look) -> None:
        """Show frames differently; the last one, too, where no other comes soon."""
        self.look = look
        self._is_look_new = True

    def set_phone(self, profile: str, *, is_throttled: bool) -> None:
        """Pace the view as a phone would; StudioError where nobody knows it."""
        self._pacing.choose(profile, self._pair.sides, is_throttled=is_throttled)

    def say_source(self) -> None:
        """Say how the source is."""
        self._reporter.say()

    def snapshot(self, command: Mapping[str, Any]) -> None:
        """Write the last frame, as it is to look by now."""
        self._show_anew()
        self.finisher.snapshot(command)

    def record(self, command: Mapping[str, Any]) -> None:
        """Write every frame from now on into a video."""
        self._show_anew()
        self.finisher.record(command)

    def _forget_worst(self) -> None:
        """Empty the tray: what was lost so far says nothing of what is compared from now on."""
        self.finisher.forget_worst({"command": "forget_worst"})

    def _take_candidate(self) -> None:
        """Put a candidate that was opened meanwhile in its place."""
        done = self.candidates.done()
        if done is None:
            return
        try:
            if done.opened is None:
                raise done.error or ValueError("a candidate that is neither opened nor refused")
            self._pair.take_candidate(done.opened)
        except StudioError as error:
            self._dialogue.say(refusal(done.command, error))
            return
        self._candidate = done.choice
        self._say_models()
        self._forget_worst()
        self._is_pair_new = True
        try:
            self._pacing.renew(self._pair.sides)
        except StudioError as error:
            self._dialogue.say(refusal({"command": "phone"}, error))

    # what is said ----------------------------------------------------------------------------------------------------

    def _say_models(self) -> None:
        pair = self._pair
        sides = [asdict(side) for side in pair.sides]
        self._dialogue.say({"event": "models", "kind": pair.kind, "draws": pair.draws, "sides": sides})

    # frames ----------------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Treat the newest frame; where none comes, show the last one anew if it is to look different."""
        begun = time.monotonic()
        is_due = (self._is_pair_new or self._is_look_new) and self._is_late()
        frame = self.capture.newest(0.0 if is_due else _PATIENCE)
        self._waited += time.monotonic() - begun
        if frame is not None:
            self._treat(frame)
        elif self._is_pair_new and self._is_late():
            self._is_pair_new = False
            self.capture.again()
        else:
            self._show_anew()

    def _is_late(self) -> bool:
        """Whether the next frame may be long in coming: of a still clip, a slow folder, a frozen camera."""
        return time.monotonic() - self._came >= _SOON

    def _show_anew(self) -> None:
        """Show the last frame once more where it is to look different, or nobody saw it, and no other comes soon."""
        if self._is_late() and (self._is_look_new or self.finisher.publisher.take_owed()):
            self._is_look_new = False
            self.finisher.again(self.look)

    def _treat(self, frame: Frame) -> None:
        self._came = frame.taken
        self._is_look_new = self._is_pair_new = False
        if frame.is_discontinuous or self._is_discontinuous:
            self._is_discontinuous = False
            self._pair.reset()
            self.finisher.reset()
        frame = replace(frame, picture=self._kept(frame.picture))
        phone, scale = self._pacing.frame(self._waited)
        self._waited = 0.0
        try:
            result = self._pair.process(_scaled(frame.picture, scale), frame.seconds, self._quiet)
            cosines = self._cosines(result)
        except CancelledError:
            raise
        except StudioError as error:
            self._treated += 1
            self._troubles.say(error)
            self.finisher.forget()  # the pair's buffers take turns: its next frame would write over that one's
            return
        self._treated += 1
        self.finisher.take(
            Treated(
                frame,
                result,
                cosines,
                self.look,
                self._pair.sides,
                self._pair.kind in WHOLE_KINDS,
                self._pair.draws,
                self._candidate.path,
                scale,
                max(0, frame.identity + 1 - self._treated),
                phone,
            )
        )

    def _kept(self, picture: Picture) -> Picture:
        """Return a copy that is good as long as the pair's results: until the frame after the next."""
        buffer = self._buffers.pop(0)
        if buffer.shape != picture.shape:
            buffer = np.empty(picture.shape, np.uint8)
        np.copyto(buffer, picture)
        self._buffers.append(buffer)
        return buffer

    def _cosines(self, result: PairResult) -> Cosines:
        """Return who is drawn, in every so many-th frame."""
        if self._treated % IDENTITY_EVERY:
            return ()
        begun = time.perf_counter()
        cosines = [self._identities(crop) for crop in result.crops]
        result.seconds["identity"] = time.perf_counter() - begun
        return cosines

    def _identities(self, crop: PairCrop) -> tuple[float, float] | None:
        try:
            return self._pair.identities(crop)
        except CancelledError:
            raise
        except StudioError:  # what was drawn is worth more than a number about it: "unknown" is said
            return None


def _scaled(picture: Picture, scale: float) -> Picture:
    """Return a picture with its sides scaled down."""
    import cv2

    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
