"""How much memory there is, and a clear refusal before work that would not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from converters.destination import readable_size
from converters.errors import UnsupportedError

_CGROUP_MEMBERSHIP = Path("/proc/self/cgroup")
_CGROUP_ROOT = Path("/sys/fs/cgroup")
_NO_LIMIT = 1 << 60  # version 1 writes "no limit" as a number near 2**63


def available_memory() -> int:
    """Return the bytes that new work may use: what the machine has free, or its control group if that is less."""
    import psutil

    free = int(psutil.virtual_memory().available)
    return min([free, *_cgroup_headrooms(_CGROUP_MEMBERSHIP, _CGROUP_ROOT)])


def require_memory(needed: int, what: str) -> None:
    """Refuse work that needs more memory than there is.

    Args:
        needed: bytes.
        what: the work, as the beginning of a sentence ("Converting inswapper_128 to Core ML").

    Raises:
        UnsupportedError: `needed` is more than `available_memory`.
    """
    available = available_memory()
    if needed > available:
        raise UnsupportedError(
            f"{what} needs about {readable_size(needed)} of memory, {readable_size(available)} are available.",
            "",
            "Close other programs, or use a machine with more memory.",
        )


def _cgroup_headrooms(membership: Path, root: Path) -> Iterator[int]:
    """Yield the bytes left in every control group above this process that has a limit (Linux, versions 1 and 2)."""
    for folder, limit_name, usage_name, reclaimable_name in _memory_groups(membership, root):
        limit, usage = _number(folder / limit_name), _number(folder / usage_name)
        if limit is None or usage is None or limit >= _NO_LIMIT:
            continue
        # pages of files that were read lately count as used, but the kernel drops them when memory is wanted
        yield max(limit - usage + _statistic(folder / "memory.stat", reclaimable_name), 0)


def _memory_groups(membership: Path, root: Path) -> Iterator[tuple[Path, str, str, str]]:
    if not membership.is_file():
        return
    for line in membership.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base, names = root, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base, names = root / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        relative = Path(path.lstrip("/"))
        # a container often sees its own group as the root while the path names it from outside: missing folders
        for part in (relative, *relative.parents):
            yield base / part, *names


def _number(path: Path) -> int | None:
    """Return the number in a control file; None where there is none or where it says `max`."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _statistic(path: Path, name: str) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)
