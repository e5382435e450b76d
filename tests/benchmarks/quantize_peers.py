"""What int8 costs in quality and time: files of onnx2tf and of MNN's own offline tool beside ours, the demo swapper.

    python -m tests.benchmarks.quantize_peers [--images DIR] [--only WORD …] [--json FILE] [--keep DIR]

All tools are calibrated on the same 64 built-in crops with the same embeddings. All files are judged on the crops of
DIR that the demo model was never trained on (all pictures of DIR, if none of them is such a one), or on the built-in
crops where there is no DIR: LPIPS, PSNR and identity against the float model in ONNX Runtime. A run is timed in turns
with the same tool's float file, two threads each. Tools and files run in processes of their own; what a crash leaves
is a row that says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from converters.builtin import DEMO_EMBEDDER, DEMO_NAME
from converters.compare.crops import pictures_for
from converters.compare.feeds import Feed, Feeds, template_and_side
from converters.compare.pairs import PairFigures, Pairs
from converters.fingerprints import size_of
from converters.opened import Opened, opened
from converters.plain import finite_or_null
from converters.process_tree import end_in_words, start_leader, stop_tree, tree_memory
from converters.progress import Progress
from converters.training.faces import held_out_names
from tests.benchmarks.quantize_makers import CALIBRATION, made

_SHARED_FACES = Path(__file__).resolve().parents[3] / "shared" / "faces"
_SAMPLES = 64
_MOST = 100
_JUDGED = "judged.npz"
_MAKING_SECONDS, _RUNNING_SECONDS = 900.0, 600.0
_MOST_MEMORY = 12 * 2**30
_OURS = ("tflite", "mnn", "coreml")


@dataclass(frozen=True)
class Row:
    """One file, or why there is none.

    Attributes:
        tool: who made it.
        way: how.
        trouble: "" where it was made and runs.
        size: bytes.
        making: seconds that the tool took, for all of its files at once.
        memory: bytes, the largest sum of its processes.
        lpips, p95, psnr: against the float model; dB.
        identity_lost: 1 - the cosine between the faces drawn.
        source_lost: by how much the cosine to the face that was to appear fell.
        milliseconds, beside: of one run, and of the same tool's float file in the same turns; NaN where untimed.
        takes: the type of number at its inputs.
    """

    tool: str
    way: str
    trouble: str = ""
    size: int = 0
    making: float = math.nan
    memory: int = 0
    lpips: float = math.nan
    p95: float = math.nan
    psnr: float = math.nan
    identity_lost: float = math.nan
    source_lost: float = math.nan
    milliseconds: float = math.nan
    beside: float = math.nan
    takes: str = ""


@dataclass(frozen=True)
class Plan:
    """Files that one run of a tool makes.

    Attributes:
        title: of the tool, for people.
        tool, way: as the makers call them.
        files: (what it is, a pattern of its name); at least one.
        beside: tool, way and pattern of the float file it is timed with.
        needs: other runs that come first and give no row of their own.
        timed: False where only the slow reference executor runs it here.
    """

    title: str
    tool: str
    way: str
    files: tuple[tuple[str, str], ...]
    beside: tuple[str, str, str]
    needs: tuple[tuple[str, str], ...] = ()
    timed: bool = True


_ONNX2TF = (
    ("float", "*_float32.tflite"),
    ("dynamic range", "*_dynamic_range_quant.tflite"),
    ("int8, float interface", "*_integer_quant.tflite"),
    ("int8, int8 interface", "*_full_integer_quant.tflite"),
    ("int8, 16-bit activations", "*_integer_quant_with_int16_act.tflite"),
)
_INT8 = {"plain": "int8, min-max, every layer", "rules": "int8, automatic rules"}


def plans() -> list[Plan]:
    """Return everything that is made, in the order of the table."""
    found = []
    for way in ("per-channel", "per-tensor"):
        files = _ONNX2TF if way == "per-channel" else _ONNX2TF[2:4]
        titled = tuple((title if title == "float" else f"{title}, {way}", pattern) for title, pattern in files)
        found.append(Plan("onnx2tf", "onnx2tf", way, titled, ("onnx2tf", way, _ONNX2TF[0][1])))
    for way in ("float", "KL", "EMA", "ADMM"):
        title = "float" if way == "float" else f"int8, {way}"
        found.append(Plan("mnnquant", "mnn-tool", way, ((title, "model.mnn"),), ("mnn-tool", "float", "model.mnn")))
    for target in _OURS:
        pattern = "*.mlpackage" if target == "coreml" else f"*.{target}"
        for way in ("fp32", *_INT8):
            needs = () if way == "fp32" else (("encodings", way),)
            title = _INT8.get(way, "float")
            beside = (target, "fp32", pattern)
            found.append(Plan(f"ours, {target}", target, way, ((title, pattern),), beside, needs, target != "coreml"))
    return found


def main() -> None:
    """Make, run, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=_SHARED_FACES if _SHARED_FACES.is_dir() else None)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="tools: onnx2tf, mnn-tool, tflite, …")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--keep", type=Path, help="leave everything that was made in this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ffstudio-benchmark-") as name:
        folder = given.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        with opened(Path(DEMO_NAME)) as model:
            feeds, origin = _prepare(model, folder, given.images)
            bench = _Bench(folder, model, feeds)
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; judged on {origin}", flush=True)
            with bench.pairs:
                rows = [row for plan in plans() if _is_wanted(plan, given.only) for row in bench.rows(plan)]
        print(table(rows))
        if given.json:
            data = {"origin": origin, "rows": [finite_or_null(asdict(row)) for row in rows]}
            given.json.write_text(json.dumps(data, indent=1, allow_nan=False), encoding="utf-8")


def _is_wanted(plan: Plan, only: Sequence[str]) -> bool:
    return not only or plan.tool in only


def _prepare(model: Opened, folder: Path, images: Path | None) -> tuple[list[Feed], str]:
    """Write what tools are calibrated on and what files are judged on; return the latter, and where it comes from."""
    calibration, _ = _feeds(model, None)
    _save(folder / CALIBRATION, calibration)
    if images is None:
        judged, origin = _feeds(model, None)
    else:
        kept = folder / "judged"
        kept.mkdir(exist_ok=True)
        held_out = sorted(images / name for name in held_out_names() if (images / name).is_file())
        for file in held_out or sorted(path for path in images.iterdir() if path.is_file()):
            shutil.copyfile(file, kept / file.name)
        judged, origin = _feeds(model, kept)
    _save(folder / _JUDGED, judged)
    return judged, origin


def _feeds(model: Opened, images: Path | None) -> tuple[list[Feed], str]:
    template, side = template_and_side(model)
    pictures = pictures_for(template, side, images, _SAMPLES if images is None else _MOST, Progress())
    feeds = Feeds(model, model.signature, pictures.items, DEMO_EMBEDDER, DEMO_EMBEDDER, Progress())
    return [feeds.make(place) for place in range(len(feeds))], pictures.origin


def _save(path: Path, feeds: Sequence[Feed]) -> None:
    names = feeds[0].arrays
    stacks = {name: np.concatenate([np.asarray(feed.arrays[name], np.float32) for feed in feeds]) for name in names}
    np.savez(path, allow_pickle=False, **stacks)


class _Bench:
    def __init__(self, folder: Path, model: Opened, feeds: Sequence[Feed]) -> None:
        self._folder = folder
        self._feeds = feeds
        self._originals = [model.session.run(feed.arrays) for feed in feeds]
        (self._output,) = (tensor.name for tensor in model.signature.outputs)
        self.pairs = Pairs(
            model.signature,
            model.family,
            lambda name: (each[name] for each in self._originals),
            DEMO_EMBEDDER,
            is_thorough=False,
        )
        self._costs: dict[tuple[str, str], tuple[float, int]] = {}
        self._troubles: dict[tuple[str, str], str] = {}

    def rows(self, plan: Plan) -> list[Row]:
        """Make what a plan says and judge every file of it."""
        own = (*plan.needs, (plan.tool, plan.way))
        trouble = ""
        for tool, way in (plan.beside[:2], *own):
            trouble = trouble or self._made(tool, way)
        costs = [self._costs[each] for each in own if each in self._costs]
        making, memory = sum(seconds for seconds, _ in costs), max((peak for _, peak in costs), default=0)
        found = []
        for title, pattern in plan.files:
            row = Row(plan.title, title, making=making, memory=memory)
            file = self._file(plan.tool, plan.way, pattern)
            beside = self._file(*plan.beside)
            if file is None or beside is None:
                row = replace(row, trouble=trouble or "It left no file.")
            else:
                row = self._judged(replace(row, size=size_of(file)), file, beside, timed=plan.timed)
            print(_line(row), flush=True)
            found.append(row)
        return found

    def _made(self, tool: str, way: str) -> str:
        """Run a tool unless it has run; return what went wrong, or ''."""
        if (tool, way) not in self._costs:
            command = [sys.executable, "-m", "tests.benchmarks.quantize_makers", str(self._folder), tool, way]
            log = self._folder / f"{tool}-{way}.log"
            seconds, peak, trouble = _watched(command, log, _MAKING_SECONDS, {"OMP_NUM_THREADS": "1"})
            self._costs[tool, way], self._troubles[tool, way] = (seconds, peak), trouble
        return self._troubles[tool, way]

    def _file(self, tool: str, way: str, pattern: str) -> Path | None:
        files = sorted(path for path in made(self._folder, tool, way).glob(pattern) if size_of(path))
        if pattern == "*_integer_quant.tflite":
            files = [path for path in files if "_full_" not in path.name]
        return files[0] if files else None

    def _judged(self, row: Row, file: Path, beside: Path, *, timed: bool) -> Row:
        outputs, log = self._folder / "outputs.npy", self._folder / "running.log"
        outputs.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.benchmarks.quantize_running", str(file), str(beside)]
        command += [str(self._folder / _JUDGED), str(outputs), *([] if timed else ["--untimed"])]
        _, _, trouble = _watched(command, log, _RUNNING_SECONDS, {})
        if trouble and not outputs.exists():
            return replace(row, trouble=f"Running it: {trouble}")
        if not trouble:
            told = json.loads(log.read_text(encoding="utf-8", errors="replace").splitlines()[-1])
            row = replace(row, takes=told["takes"], milliseconds=told["milliseconds"], beside=told["beside"])
        values = np.load(outputs, allow_pickle=False)
        figures = []
        for feed, original, theirs in zip(self._feeds, self._originals, values, strict=True):
            (judged,) = self.pairs.judge(original, {self._output: theirs[None]}, feed.identity)
            figures.append(judged)
        return replace(_with_figures(row, figures), trouble=trouble and f"Timing it: {trouble}")


def _with_figures(row: Row, figures: Sequence[PairFigures]) -> Row:
    """Return a row with the means over samples; LPIPS is infinite where a sample is not finite."""
    lpips = sorted(math.inf if each.is_broken else each.figures["lpips"] for each in figures)
    psnr = [each.figures["psnr"] for each in figures if math.isfinite(each.figures["psnr"])]
    return replace(
        row,
        lpips=float(np.mean(lpips)),
        p95=lpips[-(-95 * len(lpips) // 100) - 1],
        psnr=float(np.mean(psnr)) if psnr else math.inf,
        identity_lost=1 - float(np.mean([each.figures["identity"] for each in figures])),
        source_lost=float(np.mean([each.figures["source_drop"] for each in figures])),
    )


def _watched(command: list[str], log: Path, seconds: float, variables: dict[str, str]) -> tuple[float, int, str]:
    """Run a command to its end, or to the limit of time or memory; return seconds, largest bytes, what went wrong."""
    start = time.monotonic()
    peak, trouble = 0, ""
    root = Path(__file__).resolve().parents[2]
    with log.open("wb") as output:
        process = start_leader(
            command, cwd=root, env={**os.environ, **variables}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None and not trouble:
                peak = max(peak, tree_memory(process.pid))
                if time.monotonic() - start > seconds:
                    trouble = f"It was still working after {seconds:.0f} s."
                elif peak > _MOST_MEMORY:
                    trouble = f"It took more than {_MOST_MEMORY / 2**30:.0f} GiB."
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                stop_tree(process, by_force=True)
            status = process.wait()
    if status and not trouble:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        last = lines[-1][:200] if lines and status > 0 else ""
        trouble = f"{end_in_words(status)} {last}".strip()
    return time.monotonic() - start, peak, trouble


_HEAD = (
    f"{'tool':13} {'file':38} {'MB':>6} {'LPIPS':>7} {'p95':>7} {'PSNR':>6} {'ident.':>7} {'source':>7} "
    f"{'ms':>7} {'float':>7} {'inputs':8} {'made in':>8} {'GB':>5}"
)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text."""
    return "\n".join([_HEAD, *map(_line, rows)])


def _line(row: Row) -> str:
    start = f"{row.tool:13} {row.way:38} {row.size / 1e6:6.2f}"
    end = f"{row.making:6.0f} s {row.memory / 1e9:5.1f}"
    if not math.isfinite(row.psnr):
        return f"{start} {row.trouble}  ({end.strip()} GB)"
    quality = f"{row.lpips:7.4f} {row.p95:7.4f} {row.psnr:6.1f} {row.identity_lost:7.4f} {row.source_lost:7.4f}"
    times = " ".join(
        f"{value:7.1f}" if math.isfinite(value) else f"{'-':>7}" for value in (row.milliseconds, row.beside)
    )
    return f"{start} {quality} {times} {row.takes:8} {end} {row.trouble}".rstrip()


if __name__ == "__main__":
    main()
