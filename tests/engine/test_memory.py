"""How much memory there is, in control groups too."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from converters.errors import UnsupportedError
from converters.memory import _cgroup_headrooms, available_memory, require_memory


def test_available_is_plausible() -> None:
    assert 50_000_000 < available_memory() <= psutil.virtual_memory().total


def test_require_memory() -> None:
    require_memory(1_000_000, "Inspecting")
    with pytest.raises(UnsupportedError) as caught:
        require_memory(10**15, "Converting inswapper_128 to Core ML")
    assert str(caught.value).startswith("Converting inswapper_128 to Core ML needs about 1000.0 TB of memory, ")
    assert "are available. Close other programs" in str(caught.value)


def group(root: Path, path: str, **files: str) -> None:
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def headrooms(tmp_path: Path, membership: str) -> list[int]:
    (tmp_path / "membership").write_text(membership)
    return list(_cgroup_headrooms(tmp_path / "membership", tmp_path / "root"))


def test_version_2_counts_every_limit_above_and_what_the_kernel_can_drop(tmp_path: Path) -> None:
    root = tmp_path / "root"
    group(root, "a/b", memory__max="1000", memory__current="900", memory__stat="anon 1\ninactive_file 150\nfile 9")
    group(root, "a", memory__max="800", memory__current="790", memory__stat="inactive_file 0")
    group(root, ".", memory__max="max", memory__current="5")
    assert headrooms(tmp_path, "0::/a/b\n") == [250, 10]


def test_version_1_and_a_container_that_sees_itself_as_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    group(
        root,
        "memory",
        memory__limit_in_bytes="5000",
        memory__usage_in_bytes="6000",
        memory__stat="total_inactive_file 7",
    )
    assert headrooms(tmp_path, "4:memory:/outer/name\n1:cpu:/\n0::/\n") == [0]


def test_no_limit(tmp_path: Path) -> None:
    root = tmp_path / "root"
    group(root, "memory", memory__limit_in_bytes=str(2**63 - 4096), memory__usage_in_bytes="6000")
    group(root, "x", memory__max="max", memory__current="6000")
    assert headrooms(tmp_path, "4:cpu,memory:/\n0::/x\n") == []
    assert list(_cgroup_headrooms(tmp_path / "none", root)) == []
