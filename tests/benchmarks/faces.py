"""What the face pipeline costs on a 720p clip, stage by stage, with two threads.

    python -m tests.benchmarks.faces [--clip FILE] [--model MODEL] [--embedder MODEL] [--frames N]

Medians in milliseconds a frame. Without the built-in clip, one is made by panning over photographs, or drawn people;
without the built-in model, a swapper of the same size with random weights takes its place, and a toy its recogniser.
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
import numpy as np

from converters.builtin import DEMO_CLIP, DEMO_EMBEDDER, DEMO_SWAPPER
from converters.face.faces import Picture
from converters.face.options import FaceOptions, face_options
from converters.face.pipeline import FaceCrop, FacePipeline
from converters.face.swap.opening import open_swapper
from converters.pictures import read_picture
from converters.pipeline import convert
from converters.recipe import Recipe, TargetRequest
from converters.video import VideoReader, VideoWriter
from tests.face.drawn import embedder, portrait, scene

_THREADS = 2
_SIZE = (1280, 720)
_PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"
_STAGES = ("detect", "landmarks", "embed", "track", "crop", "swap", "mask", "paste")
_WARM = 5
_ROUNDS = 30
_DEMO_WIDTH = 128


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--model", default="")
    parser.add_argument("--embedder", default="")
    parser.add_argument("--frames", type=int, default=100)
    given = parser.parse_args()
    cv2.setNumThreads(_THREADS)
    print(f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {datetime.date.today()}")
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as name:
        folder = Path(name)
        clip = given.clip or (DEMO_CLIP if DEMO_CLIP.is_file() else _make_clip(folder, given.frames))
        model = Path(given.model) if given.model else _model(folder)
        recogniser = given.embedder or str(DEMO_EMBEDDER if DEMO_EMBEDDER.is_file() else embedder(folder / "toy.onnx"))
        frames, decode = _decoded(clip, given.frames)
        print(f"clip {clip.name}: {len(frames)} frames of {frames[0].shape[1]} x {frames[0].shape[0]}")
        print(f"model {model.name}, recogniser {Path(recogniser).name}, {_THREADS} threads")
        print(f"{'decode':28} {decode:7.2f}")
        options = face_options({"embedder": recogniser})
        crop_source = _run(model, frames, options, f"decode {decode:.1f}", decode)
        _run(model, frames, replace(options, detect_every=3), "detecting every 3rd frame", decode)
        _encode(folder, frames)
        _compare_runtimes(folder, model, options, crop_source)


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _make_clip(folder: Path, count: int) -> Path:
    """Pan over photographs of one, two and many people, or over drawn ones."""
    stills = (
        [_covering(read_picture(file)) for file in sorted(_PHOTOS.glob("portrait_02*.jpg"))[:6]]
        if _PHOTOS.is_dir()
        else []
    )
    stills = stills or [scene([(3, 500, 400), (8, 1000, 420)], width=1600, height=900, size=420)]
    path = folder / "panned.mp4"
    with VideoWriter(path, _SIZE, 25) as writer:
        for number in range(count):
            still = stills[number * len(stills) // count]
            height, width = still.shape[:2]
            share = (number * len(stills) / count) % 1
            left, top = round(share * (width - _SIZE[0])), round(share * (height - _SIZE[1]))
            writer.write(np.ascontiguousarray(still[top : top + _SIZE[1], left : left + _SIZE[0]]))
    return path


def _covering(picture: Picture) -> Picture:
    """Return a portrait put twice side by side, somewhat larger than the clip, the second mirrored."""
    both = np.concatenate([picture, picture[:, ::-1]], axis=1)
    scale = 1.1 * max(_SIZE[0] / both.shape[1], _SIZE[1] / both.shape[0])
    return np.asarray(cv2.resize(both, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def _model(folder: Path) -> Path:
    if DEMO_SWAPPER.is_file():
        return DEMO_SWAPPER
    import onnx

    from converters.model.generated import generated_swapper

    path = folder / f"generated_{_DEMO_WIDTH}.onnx"
    onnx.save(generated_swapper(_DEMO_WIDTH), str(path))
    return path


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
        pipeline.set_source([("drawn person", portrait(4))])
        kept = None
        for number, frame in enumerate(frames):
            done = pipeline.process(frame, number / 25)
            faces += len(done.crops)
            if done.crops:
                crop = done.crops[0]
                kept = FaceCrop(crop.face, crop.pixels.copy(), crop.matrix)
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
        source = pipeline.set_source([("drawn person", portrait(4))])
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
