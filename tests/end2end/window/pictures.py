"""Make the guide's pictures with the real program: every page, both themes, both languages.

    python -m tests.end2end.window.pictures docs/pictures/guide [DISPLAY]

The demo is quantized, converted and compared on the way, which takes some minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.end2end.window.program import Program
from tests.end2end.window.test_walk import choose_targets

PAGES = ("model", "prune", "quantize", "convert", "compare", "export")
SIZE = (1280, 800)
_SETTLING = 2.0  # seconds until thumbnails and previews are there


def take(program: Program, folder: Path, name: str, language: str, theme: str) -> None:
    """Write one picture: NAME-THEME.png, NAME-THEME-zh.png."""
    suffix = "-zh" if language == "zh_CN" else ""
    program.ask("picture", path=str(folder / f"{name}-{theme}{suffix}.png"), width=SIZE[0], height=SIZE[1])


def main() -> int:
    """Walk through the program, then take every page in every look."""
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    looks = [(language, theme) for language in ("en", "zh_CN") for theme in ("dark", "light")]
    with tempfile.TemporaryDirectory() as own:
        place = Path(own)
        (place / "data").mkdir()
        os.environ["FFSTUDIO_CACHE"] = str(place / "cache")
        os.environ["HOME"] = str(place)  # nobody's own folders belong in the guide
        with Program(place, display=sys.argv[2] if len(sys.argv) > 2 else "") as program:
            program.wait_visible("start-demo")
            for language, theme in looks:
                program.ask("settings", language=language, theme=theme)
                time.sleep(_SETTLING)
                take(program, folder, "start", language, theme)
            program.ask("settings", language="en", theme="dark")
            program.click("start-demo")
            program.wait_visible("page-model")
            program.click("rail-quantize")
            program.wait("quantize-latency", lambda found: found["text"], 240)
            program.click("quantize-enabled")
            program.click("blame-run")
            program.click("rail-convert")
            choose_targets(program, {"mnn": "int8", "tflite": "int8", "coreml": "int8"})
            program.click("convert-button")
            for name in ("mnn-int8", "tflite-int8", "coreml-int8"):
                program.wait(f"file-{name}-verdict", lambda found: found["visible"], 600)
            program.click("rail-compare")
            program.wait_visible("page-compare")
            program.ask("slide", name="picture-count", value=12)
            program.click("compare-run")
            program.wait("finding", lambda found: found["visible"] and "LPIPS" in found["text"], 600)
            for language, theme in looks:
                program.ask("settings", language=language, theme=theme)
                for page in PAGES:
                    program.click(f"rail-{page}")
                    program.wait_visible(f"page-{page}")
                    time.sleep(_SETTLING)
                    take(program, folder, page, language, theme)
            program.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
