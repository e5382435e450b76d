"""What the face pipeline costs on a 720p clip, stage by stage, with two threads.

    python -m tests.benchmarks.faces [--clip FILE] [--model MODEL] [--embedder MODEL] [--frames N]

Medians in milliseconds a frame, on the built-in clip with the demo model unless told.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2

from converters.builtin import DEMO_CLIP, DEMO_EMBEDDER, DEMO_GALLERY, DEMO_SWAPPER
from converters.face.faces import Picture
from converters.face.options import FaceOptions, face_options
from converters.face.pipeline import FacePipeline
from converters.face.stage import FaceCrop
from converters.face.swap.opening import open_swapper
from converters.pictures import read_picture
from converters.pipeline import convert
from converters.recipe import Recipe, TargetRequest
from converters.video import VideoReader, VideoWriter

_THREADS = 2
_STAGES = ("detect", "landmarks", "embed", "track", "crop", "swap", "mask", "paste")
_PERSON = DEMO_GALLERY / "01.png"
_WARM = 5
_ROUNDS = 30


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=DEMO_CLIP)
    parser.add_argument("--model", type=Path, default=DEMO_SWAPPER)
    parser.add_argument("--embedder", type=Path, default=DEMO_EMBEDDER)
    parser.add_argument("--frames", type=int, default=100)
    given = parser.parse_args()
    cv2.setNumThreads(_THREADS)
    print(f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {datetime.date.today()}")
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as name:
        folder = Path(name)
        clip, model, recogniser = given.clip, given.model, given.embedder
        frames, decode = _decoded(clip, given.frames)
        print(f"clip {clip.name}: {len(frames)} frames of {frames[0].shape[1]} x {frames[0].shape[0]}")
        print(f"model {model.name}, recogniser {recogniser.name}, {_THREADS} threads")
        print(f"{'decode':28} {decode:7.2f}")
        options = face_options({"embedder": str(recogniser)})
        crop_source = _run(model, frames, options, f"decode {decode:.1f}", decode)
        _run(model, frames, replace(options, detect_every=3), "detecting every 3rd frame", decode)
        _encode(folder, frames)
        _compare_runtimes(folder, model, options, crop_source)


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _decoded(clip: Path, most: int) -> tuple[list[Picture], float]:
    frames: list[Picture] = []
    taken = []
    with VideoReader(clip) as reader:
        start = time.perf_counter()
        for frame in reader:
            taken.append(time.perf_counter() - start)
            frames.append(frame.picture.copy())
            if len(frames) == most:
                break
            start = time.perf_counter()
    return frames, 1000 * statistics.median(taken[1:])


def _run(model: Path, frames: Sequence[Picture], options: FaceOptions, title: str, decode: float) -> FaceCrop:
    """Print the stages' medians; return a crop to time the runtimes with."""
    seconds: dict[str, list[float]] = {}
    faces = 0
    with FacePipeline(model, options, threads=_THREADS) as pipeline:
        pipeline.set_source([("a person of the gallery", read_picture(_PERSON))])
        kept = None
        for number, frame in enumerate(frames):
            done = pipeline.process(frame, number / 25)
            faces += len(done.crops)
            if done.crops:
                crop = pipeline.crop(frame, done.crops[0].face)
                kept = replace(crop, pixels=crop.pixels.copy())
            if number >= _WARM:
                for stage in (*_STAGES, "total"):
                    seconds.setdefault(stage, []).append(done.seconds.get(stage, 0.0))
    print(f"-- {title}; {faces / len(frames):.2f} faces a frame")
    for stage in (*_STAGES, "total"):
        median, mean = (1000 * average(seconds[stage]) for average in (statistics.median, statistics.mean))
        print(f"{stage:28} {median:7.2f}   mean {mean:7.2f}")
    whole = decode + 1000 * statistics.mean(seconds["total"])
    print(f"{'with decoding':28} {1000 / whole:7.2f} frames a second")
    assert kept is not None, "no face in the clip"
    return kept


def _encode(folder: Path, frames: Sequence[Picture]) -> None:
    start = time.perf_counter()
    with VideoWriter(folder / "encoded.mp4", (frames[0].shape[1], frames[0].shape[0]), 25) as writer:
        for frame in frames:
            writer.write(frame)
        taken = time.perf_counter() - start
    checked = time.perf_counter() - start - taken
    count = len(frames)
    print(f"{'encode':28} {1000 * taken / count:7.2f}   and {1000 * checked / count:.2f} to read all of it back")


def _compare_runtimes(folder: Path, model: Path, options: FaceOptions, crop: FaceCrop) -> None:
    """Print what one swap costs in each runtime, on the same crop with the same source."""
    convert(Recipe(str(model), targets=(TargetRequest("mnn"), TargetRequest("tflite"))), folder / "out")
    files = [model, *sorted(path for path in (folder / "out").iterdir() if path.suffix in (".mnn", ".tflite"))]
    with FacePipeline(model, options, threads=_THREADS) as pipeline:
        source = pipeline.set_source([("a person of the gallery", read_picture(_PERSON))])
        for file in files:
            with open_swapper(file, threads=_THREADS) as swapper:
                stage = pipeline.new_stage(swapper)
                stage.set_source(source)
                taken = []
                for _ in range(_WARM + _ROUNDS):
                    start = time.perf_counter()
                    stage.draw(crop)
                    taken.append(time.perf_counter() - start)
                median = 1000 * statistics.median(taken[_WARM:])
                print(f"swap, {file.suffix[1:]:22} {median:7.2f}   {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
