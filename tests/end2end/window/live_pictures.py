"""Make the guide's pictures and the short recording of the live comparison with the real program.

    python -m tests.end2end.window.live_pictures docs/pictures/guide CANDIDATE [DISPLAY]

CANDIDATE is a file made of the demo, an int8 .onnx for one. The recording is an animated picture of the window, at the
speed at which frames really came.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.end2end.window.pictures import take
from tests.end2end.window.program import Program
from tests.end2end.window.test_live import is_playing

_FRAMES, _PAUSE = 32, 0.22  # of the recording, and seconds between two of them
_SIDE = 960  # its width in pixels
_FILLING = 25.0  # seconds until charts and tray have something to show


def record(program: Program, file: Path, folder: Path) -> None:
    """Write an animated picture of the window as it is now."""
    frames: list[Image.Image] = []
    times: list[float] = []
    for number in range(_FRAMES):
        picture = folder / f"{number:03d}.png"
        program.ask("picture", path=str(picture))
        times.append(time.monotonic())
        with Image.open(picture) as opened:
            shape = (_SIDE, round(opened.height * _SIDE / opened.width))
            frames.append(opened.convert("RGB").resize(shape, Image.Resampling.LANCZOS))
        time.sleep(_PAUSE)
    palette = frames[0].quantize(128, dither=Image.Dither.NONE)
    small = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [round(1000 * (later - earlier)) for earlier, later in itertools.pairwise(times)]
    small[0].save(file, save_all=True, append_images=small[1:], duration=[*durations, 800], loop=0, optimize=True)


def main() -> int:
    """Play the clip and take the pictures."""
    folder, candidate = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own:
        place = Path(own)
        (place / "data").mkdir()
        os.environ["FFSTUDIO_CACHE"] = str(place / "cache")
        os.environ["HOME"] = str(place)
        display = sys.argv[3] if len(sys.argv) > 3 else ""
        with Program(place, ["--demo", "--source", "clip"], display=display) as program:
            program.wait_visible("page-compare")
            is_playing(program)
            program.ask("candidate", path=str(candidate))
            time.sleep(_FILLING)
            for language, theme in [(language, theme) for language in ("en", "zh_CN") for theme in ("light", "dark")]:
                program.ask("settings", language=language, theme=theme)
                program.click("rail-compare")
                program.wait_visible("live-panel")
                is_playing(program)
                time.sleep(4)
                take(program, folder, "live", language, theme)
            program.ask("settings", language="en", theme="dark")
            program.click("rail-compare")
            is_playing(program)
            time.sleep(4)
            record(program, folder / "live.gif", place)
            program.ask("picture", path=str(folder / "live-large-dark.png"), width=1920, height=1080)
            program.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
