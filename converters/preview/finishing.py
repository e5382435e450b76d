"""What happens to a frame after the models: it is measured, shown, kept and recorded, beside the next one's models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.closing import Closing
from converters.dialogue import Dialogue
from converters.errors import BadInputError, StudioError
from converters.preview.commands import refusal
from converters.preview.keeping import Keeping
from converters.preview.measures import Measures
from converters.preview.messages import FrameReport
from converters.preview.publishing import Publisher
from converters.preview.region import CloseUp, whole
from converters.preview.request import Look, Overlay
from converters.preview.treated import Shown, Treated
from converters.preview.troubles import Troubles

Command = Mapping[str, Any]


class Finisher(Closing):
    """Finishes frames in a thread, one at a time and in order; never two.

    Args:
        dialogue: gets the frames.
        folder: private: takes the pictures of the worst frames.

    Attributes:
        publisher: whose slots are given back by `release`, from any thread.
        finished: frames that were handed over.
    """

    def __init__(self, dialogue: Dialogue, folder: Path) -> None:
        self._dialogue = dialogue
        self.publisher = Publisher(dialogue)
        self.finished = 0
        self._measures = Measures()
        self._close_up = CloseUp()
        self._keeping = Keeping(dialogue, folder)
        self._troubles = Troubles(dialogue)
        self._shown: Shown | None = None
        self._last: Treated | None = None
        self._seconds = {"measure": 0.0, "show": 0.0}
        self._work: Callable[[], None] | None = None
        self._changed = threading.Condition()
        self._is_over = False
        self._bug: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="finish", daemon=True)
        self._thread.start()

    # called by the loop ----------------------------------------------------------------------------------------------

    def take(self, treated: Treated) -> None:
        """Finish a frame as soon as the one before is done; returns when it is begun."""
        self._begin(lambda: self._finish(treated))

    def again(self, look: Look) -> None:
        """Show the last frame anew, as another look wants it; nothing before there was one."""
        self._begin(lambda: self._finish_again(look))

    def reset(self) -> None:
        """Forget where the face was: what follows is another clip."""
        self._begin(self._close_up.reset)

    def forget(self) -> None:
        """Forget the last frame: its pictures are about to be written over."""
        self._begin(self._forget)

    def snapshot(self, command: Command) -> None:
        """Write the last frame that was shown."""
        self._asked(command, lambda: self._keeping.snapshot(Path(command["path"]), self._needed()))

    def record(self, command: Command) -> None:
        """Write every frame from now on into a video."""
        self._asked(command, lambda: self._keeping.record(Path(command["path"]), self._needed()))

    def stop_recording(self, command: Command) -> None:
        """End the video."""
        self._asked(command, self._keeping.stop_recording)

    def forget_worst(self, command: Command) -> None:
        """Empty the tray."""
        self._asked(command, self._keeping.forget_worst)

    def check(self) -> None:
        """Do nothing, unless the thread has come upon a bug.

        Raises:
            Exception: that bug.
        """
        with self._changed:
            if self._bug is not None:
                raise self._bug

    def wait(self) -> None:
        """Wait until all is done.

        Raises:
            Exception: a bug in the thread.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._work is None)
        self.check()

    def close(self) -> None:
        """Finish what is begun, end the recording, and free everything."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._thread.join()
        self._keeping.close()
        self._measures.close()
        self.publisher.close()

    # in the thread ---------------------------------------------------------------------------------------------------

    def _begin(self, work: Callable[[], None]) -> None:
        self.wait()
        with self._changed:
            self._work = work
            self._changed.notify_all()

    def _asked(self, command: Command, work: Callable[[], None]) -> None:
        def obey() -> None:
            try:
                work()
            except StudioError as error:
                self._dialogue.say(refusal(command, error))

        self._begin(obey)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work is not None or self._is_over)
                work = self._work
            if work is None:
                return
            try:
                work()
            except StudioError as error:
                self._troubles.say(error)
            except BaseException as error:  # the loop's own thread raises it, with its traceback
                self._bug = error
            with self._changed:
                self._work = None
                self._changed.notify_all()

    def _forget(self) -> None:
        self._last = self._shown = None

    def _needed(self) -> Shown:
        if self._shown is None:
            raise BadInputError("There is no frame yet.", "", "Wait until a picture is shown.")
        return self._shown

    def _finish_again(self, look: Look) -> None:
        if self._last is not None:
            self._finish(replace(self._last, look=look), is_new=False)

    def _finish(self, treated: Treated, *, is_new: bool = True) -> None:
        self._last, self._shown = treated, None  # the pictures of the one before are about to be written over
        begun = time.perf_counter()
        result, look, frame = treated.result, treated.look, treated.frame
        overlay = look.overlay if treated.draws else Overlay.NONE
        full_size = (frame.picture.shape[1], frame.picture.shape[0])
        judged = self._measures.judge(
            result,
            treated.cosines,
            overlay,
            is_whole=treated.is_whole,
            full_size=full_size,
            scale=treated.scale,
        )
        measured = time.perf_counter()
        drawn_size = (result.original.shape[1], result.original.shape[0])
        if look.close_up:
            region = self._close_up.region(result.faces, drawn_size, look)
            full_size = region.size
        else:
            region = whole(drawn_size, look)
        placed = self.publisher.put(result.original, result.candidate, region, overlay, judged.maps)
        shown = time.perf_counter()
        self._seconds = {"measure": measured - begun, "show": shown - measured}
        report = FrameReport(
            memory=placed.memory,
            slot=placed.slot,
            identity=frame.identity,
            size=region.size,
            full_size=full_size,
            taken=frame.taken,
            said=time.monotonic(),
            position=frame.seconds,
            index=frame.index,
            name=frame.name,
            seconds={**result.seconds, **self._seconds},
            faces=judged.faces,
            found=len(result.faces),
            remark=result.remark,
            map=placed.map,
            figures=result.figures,
            dropped=treated.dropped + self.publisher.skipped,
            phone=treated.phone,
            candidate=treated.candidate,
        )
        if placed.memory:
            self.finished += 1
            self._dialogue.say(report.to_json())
        self._shown = Shown(treated, report, placed.grey, region)
        if is_new:
            self._keeping.add(self._shown)
