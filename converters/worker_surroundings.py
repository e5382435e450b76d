"""What a worker process sets up around itself: threads, silence, no network, and that its end harms nobody else."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

_QUIET_AND_OFFLINE = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "GRPC_VERBOSITY": "ERROR",
    "GLOG_minloglevel": "2",
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",  # progress bars would fill the log
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONFAULTHANDLER": "1",  # for children
}
_THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
_COURTESY = 10
"""How far workers stand back: whoever watches them, a window above all, is to get a core at once."""
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "", None)


def isolate(threads: int) -> None:
    """Set up this process; before any native library is loaded, since most read the environment only then.

    Args:
        threads: that native libraries use; 0 for all cores this process may use.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.update(_QUIET_AND_OFFLINE)
    os.environ.update(dict.fromkeys(_THREAD_COUNTS, str(threads or usable)))
    sys.addaudithook(_refuse_network)
    if sys.platform == "win32":
        from converters.windows_job import end_children_with_this_process

        end_children_with_this_process()
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        import resource

        os.nice(_COURTESY)
        # a crash must be over in a moment, not after gigabytes of core file
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        _volunteer_when_memory_runs_out()


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """Stop Python code in this process from reaching another machine; libraries do try."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        is_refused = isinstance(address, tuple) and address[0] not in _THIS_MACHINE
    elif event == "socket.getaddrinfo":
        address = arguments[0]
        is_refused = (address.decode() if isinstance(address, bytes) else address) not in _THIS_MACHINE
    else:
        return
    if is_refused:
        raise PermissionError(f"a worker does not use the network; something wanted to reach {address}")


def _volunteer_when_memory_runs_out() -> None:
    """Have the kernel end this process before others (Linux): a lost job is better than a lost window."""
    adjustment = Path("/proc/self/oom_score_adj")
    if adjustment.exists():
        try:
            adjustment.write_text("500", encoding="ascii")
        except OSError as error:
            _log.info("cannot set %s: %s", adjustment, error)
