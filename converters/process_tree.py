"""Ending a process with everything it started, what its end means in words, and the memory of a tree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

_SIGNALS = {
    "SIGSEGV": "It was stopped by SIGSEGV (a crash in native code).",
    "SIGBUS": "It was stopped by SIGBUS (a crash in native code, or a file that shrank while it was read).",
    "SIGFPE": "It was stopped by SIGFPE (a division by zero in native code).",
    "SIGILL": "It was stopped by SIGILL (native code uses an instruction that this processor does not have).",
    "SIGABRT": "It was stopped by SIGABRT (native code gave up).",
    "SIGKILL": "It was killed, most often because memory ran out.",
    "SIGTERM": "It was stopped from outside.",
    "SIGXCPU": "It used up the processor time that this account allows.",
    "SIGXFSZ": "It wrote a file larger than this account allows.",
}
_WINDOWS = {
    0xC0000005: "It was stopped by an access violation (a crash in native code).",
    0xC00000FD: "It was stopped by a stack overflow (a crash in native code).",
    0xC0000409: "It was stopped by Windows (native code gave up).",
    0xC000001D: "Native code uses an instruction that this processor does not have.",
    0xC0000017: "Memory ran out.",
    0xC0000135: "A library that it needs is missing.",
}


def start_leader(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that leads a group of its own, so that Ctrl-C in a terminal does not reach it directly.

    Args:
        command: program and arguments.
        options: of `subprocess.Popen`.
    """
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return subprocess.Popen(command, creationflags=flags, **options)
    return subprocess.Popen(command, start_new_session=True, **options)


def stop_tree(leader: subprocess.Popen[bytes], *, by_force: bool) -> None:
    """Ask a leader and everything it started to end, or end them by force.

    Call it before `leader` is waited for: until then nothing else can have got its number.
    """
    for process in _tree(leader.pid):
        _signal(process, by_force)
    if sys.platform != "win32":
        # those whose own parent is gone are in nobody's tree, but still in the group
        try:
            os.killpg(leader.pid, signal.SIGKILL if by_force else signal.SIGTERM)
        except (ProcessLookupError, PermissionError):  # macOS reports an ended group as not permitted
            return


def _signal(process: psutil.Process, by_force: bool) -> None:
    import psutil

    try:
        if by_force:
            process.kill()
        else:
            process.terminate()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return


def _tree(pid: int) -> list[psutil.Process]:
    import psutil

    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def tree_memory(pid: int) -> int:
    """Return the resident bytes of a process and everything it started; what they share counts in each."""
    import psutil

    total = 0
    for process in _tree(pid):
        try:
            total += int(process.memory_info().rss)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def end_in_words(status: int) -> str:
    """Return a sentence on how a process ended.

    Args:
        status: as `subprocess.Popen.returncode` has it: a negative number is a signal.
    """
    if status >= 0:
        return _WINDOWS.get(status, f"It ended by itself with exit status {status}.")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return _SIGNALS.get(name, f"It was stopped by {name}.")
