"""Damaged files of every format: always a typed error or success, never a signal, never a hang.

Each format is damaged in the same ways every time: cut short, or with some bytes changed, half of the time near the
beginning or the end where headers and directories are. A child process loads many files one after another.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.conftest import PROJECT
from tests.model.small_sources import small_network, small_proto, write_onnx, write_zip

FORMATS = ("onnx", "pth", "legacy", "safetensors", "zip", "torchscript")
# Of processor time, so that a busy machine fails nothing; a hang runs into the child's own limit.
SLOWEST_SECONDS = 15.0


def write(format_name: str, path: Path) -> Path:
    """Write a sound file of the format."""
    network = small_network()
    if format_name == "onnx":
        write_onnx(path, small_proto(("N", 3, 8, 8)))
    elif format_name == "safetensors":
        save_file(network.state_dict(), path)
    elif format_name == "zip":
        write_zip(path, {"a/m.onnx": small_proto().SerializeToString(), "read.me": b"text"})
    elif format_name == "torchscript":
        torch.jit.trace(network, torch.zeros(1, 3, 8, 8)).save(str(path))
    else:
        content = {"state_dict": network.state_dict(), "epoch": 3}
        torch.save(content, path, _use_new_zipfile_serialization=format_name == "pth")
    return path


def damaged(data: bytes, seed: int) -> bytes:
    """Return `data` cut short or with 1 to 32 bytes changed; equal seeds give equal damage."""
    chance = random.Random(seed)
    if chance.random() < 0.15:
        return data[: chance.randrange(len(data))]
    changed = bytearray(data)
    region = len(data) if chance.random() < 0.5 else min(len(data), 1500)
    start = 0 if chance.random() < 0.6 else len(data) - region
    for _change in range(chance.choice([1, 1, 2, 4, 8, 32])):
        at = start + chance.randrange(region)
        bit = 1 << chance.randrange(8)
        changed[at] = changed[at] ^ bit if chance.random() < 0.6 else chance.choice([0, 1, 0x7F, 0x80, 0xFF])
    return bytes(changed)


# Runs in the child: loads <folder>/0, <folder>/1, … and prints one line each, "ok" or the error's class.
CHILD = """
import sys, time, traceback, warnings
warnings.simplefilter("ignore")
from converters.errors import StudioError
from converters.model.source import load
folder, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
shapes = {"x": (1, 3, 8, 8)} if sys.argv[4] == "torchscript" else {}
for index in range(first, last):
    began = time.process_time()
    try:
        load(f"{folder}/{index}", shapes=shapes, trust=sys.argv[4] == "torchscript")
        outcome = "ok"
    except StudioError as error:
        outcome = type(error).__name__
        assert str(error)
    except BaseException as error:
        traceback.print_exc()
        outcome = f"BUG {type(error).__name__}"
    print(index, f"{time.process_time() - began:.2f}", outcome, flush=True)
"""


def load_all(folder: Path, first: int, last: int, format_name: str) -> list[tuple[int, float, str]]:
    """Load the files in one child; return (index, seconds, outcome) of each."""
    command = [sys.executable, "-c", CHILD, str(folder), str(first), str(last), format_name]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    child = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)
    lines = [line.split(" ", 2) for line in child.stdout.splitlines() if line[:1].isdigit()]
    outcomes = [(int(index), float(seconds), outcome) for index, seconds, outcome in lines]
    reached = outcomes[-1][0] + 1 if outcomes else first
    assert child.returncode == 0, f"died with {child.returncode} at damage {reached}:\n{child.stderr[-3000:]}"
    assert reached == last
    bugs = [(index, outcome) for index, _seconds, outcome in outcomes if outcome.startswith("BUG")]
    assert not bugs, f"{bugs}\n{child.stderr[-3000:]}"
    return outcomes


def check(format_name: str, count: int, tmp_path: Path, offset: int = 0) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    sound = write(format_name, tmp_path / "sound").read_bytes()
    for index in range(count):
        (folder / str(index)).write_bytes(damaged(sound, offset + index))
    (folder / str(count)).write_bytes(sound)
    outcomes = load_all(folder, 0, count + 1, format_name)
    slowest = max(seconds for _index, seconds, _outcome in outcomes)
    assert slowest < SLOWEST_SECONDS, slowest
    # The last file is sound: the child must still tell it from the damaged ones.
    healthy = "UnsupportedError" if format_name in ("pth", "legacy", "safetensors") else "ok"
    assert outcomes[-1][2] == healthy
    refused = sum(outcome not in ("ok", "UnsupportedError") for _index, _seconds, outcome in outcomes)
    assert refused > count // 3


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("format_name", FORMATS)
def test_damaged_files(format_name: str, tmp_path: Path) -> None:
    check(format_name, 200, tmp_path)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("format_name", FORMATS)
def test_many_damaged_files(format_name: str, tmp_path: Path) -> None:
    for batch in range(4):
        folder = tmp_path / str(batch)
        folder.mkdir()
        check(format_name, 500, folder, offset=10_000 + 500 * batch)


def test_a_crash_would_be_seen(tmp_path: Path) -> None:
    """The twin: a child that dies by a signal, and one that raises something untyped, fail the check."""
    (tmp_path / "0").write_bytes(b"x")
    crashing = CHILD.replace("    began =", "    import os; os.abort()\n    began =")
    raising = (
        CHILD.replace('        outcome = "ok"', "        outcome = 1 / 0")
        .replace("load(f", "str(f")
        .replace(', shapes=shapes, trust=sys.argv[4] == "torchscript")', ")")
    )
    for source, words in ((crashing, "died with"), (raising, "BUG ZeroDivisionError")):
        patch = pytest.MonkeyPatch()
        patch.setitem(load_all.__globals__, "CHILD", source)
        with pytest.raises(AssertionError, match=words):
            load_all(tmp_path, 0, 1, "onnx")
        patch.undo()


def test_damage_differs_and_repeats() -> None:
    data = bytes(range(256)) * 20
    assert len({damaged(data, seed) for seed in range(100)}) > 90
    assert damaged(data, 5) == damaged(data, 5)
