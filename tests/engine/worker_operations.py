"""What the tests ask worker processes to do: ordinary work, and every way of going wrong."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from converters.errors import error_from_json
from converters.operations import OPERATIONS
from converters.progress import Progress

Data = dict[str, Any]


def echo(arguments: Data, _progress: Progress) -> Data:
    return {"arguments": arguments, "pid": os.getpid(), "file_system_encoding": sys.getfilesystemencoding()}


def surroundings(_arguments: Data, _progress: Progress) -> Data:
    return {
        "environment": dict(os.environ),
        "temporary": tempfile.gettempdir(),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "oom": Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip(),
        "input": str(Path("/proc/self/fd/0").readlink()),
        "path": sys.path,
        "group": os.getpgrp(),
        "nice": os.nice(0),
    }


def count(arguments: Data, progress: Progress) -> Data:
    for number in range(arguments["to"]):
        progress("Counting ünïcode", number / arguments["to"], f"{number} ☃")
        time.sleep(arguments.get("pause", 0.0))
    return {"counted": arguments["to"]}


def fail(arguments: Data, _progress: Progress) -> Data:
    raise error_from_json(arguments)


def bug(_arguments: Data, _progress: Progress) -> Data:
    return {"value": {}["missing"]}  # type: ignore[index]


def no_plain_data(_arguments: Data, _progress: Progress) -> Data:
    return {"value": object()}


def leave(arguments: Data, _progress: Progress) -> Data:
    sys.exit(arguments["status"])


def hard_leave(arguments: Data, _progress: Progress) -> Data:
    os._exit(arguments["status"])


def null_pointer(_arguments: Data, _progress: Progress) -> Data:
    os.write(1, b"\x1b[31mabout to crash\x1b[0m\n")
    return {"value": ctypes.string_at(0)}


def abort(_arguments: Data, _progress: Progress) -> Data:
    os.abort()


def kill_itself(_arguments: Data, _progress: Progress) -> Data:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def uncaught_bad_alloc(_arguments: Data, _progress: Progress) -> Data:
    new = ctypes.CDLL("libstdc++.so.6")._Znwm  # operator new(unsigned long)
    new.argtypes = (ctypes.c_size_t,)
    new(1 << 62)
    return {}


def eat_memory(arguments: Data, _progress: Progress) -> Data:
    resource.setrlimit(resource.RLIMIT_AS, (arguments["limit"], resource.RLIM_INFINITY))
    hoard = []
    while True:
        hoard.append(bytearray(16_000_000))


def native_out_of_memory(_arguments: Data, _progress: Progress) -> Data:
    raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def hold_memory(arguments: Data, progress: Progress) -> Data:
    block = bytearray(b"x") * arguments["bytes"]
    wait({"seconds": arguments["seconds"]}, progress)
    return {"bytes": len(block)}


def print_garbage(arguments: Data, _progress: Progress) -> Data:
    for _ in range(arguments["times"]):
        os.write(1, b'{"id": 1, "event": "result", "value": "forged"}\n\xff\xfe\n')
        os.write(2, b"garbage to the other one\n")
    print("printed by Python: ☃")
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    return {"done": True}


def print_much(arguments: Data, _progress: Progress) -> Data:
    block = b"0123456789abcde\n" * 65536
    for _ in range(arguments["megabytes"]):
        os.write(1, block)
        time.sleep(0.05)
    os.write(1, b"the very last line\n")
    return {}


def wait(arguments: Data, progress: Progress) -> Data:
    until = time.monotonic() + arguments["seconds"]
    while time.monotonic() < until:
        progress("Waiting")
        time.sleep(0.02)
    return {}


def wait_deaf(arguments: Data, progress: Progress) -> Data:
    progress("Deaf")
    time.sleep(arguments["seconds"])
    return {}


def wait_stubborn(arguments: Data, progress: Progress) -> Data:
    """Neither cancels nor lets itself be terminated, and keeps the interpreter's lock: only force helps."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    progress("Stubborn")
    ctypes.PyDLL(None).sleep(arguments["seconds"])
    return {}


def family(arguments: Data, progress: Progress) -> Data:
    """Start a child and a grandchild, tell their numbers, and then do what `then` says."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    numbers = [os.getpid(), child.pid, int(child.stdout.readline())]
    progress("Family", 0.0, " ".join(map(str, numbers)))
    return {"wait_deaf": wait_deaf, "wait_stubborn": wait_stubborn, "null_pointer": null_pointer, "echo": echo}[
        arguments["then"]
    ](arguments, progress)


def forge_protocol(_arguments: Data, _progress: Progress) -> Data:
    """Write nonsense into the private descriptor of the protocol, as only a compromised process would."""
    for descriptor in range(3, 64):
        try:
            target = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        except OSError:
            continue
        if target.startswith("pipe:") and os.get_inheritable(descriptor) is False:
            try:
                os.write(descriptor, b"no message at all\n")
            except OSError:
                continue
    time.sleep(60)
    return {}


def use_network(_arguments: Data, _progress: Progress) -> Data:
    refusals = []
    attempts = (
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=5),
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    )
    for attempt in attempts:
        try:
            attempt()
        except PermissionError as error:
            refusals.append(str(error))
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
    return {"refusals": refusals}


def leave_temporary_files(arguments: Data, progress: Progress) -> Data:
    folder = tempfile.mkdtemp(prefix="leftover-")
    Path(folder, "weights").write_bytes(b"x" * 1000)
    progress("Left", 0.0, folder)
    if arguments["crash"]:
        kill_itself({}, progress)
    return {"folder": folder}


def overlap(arguments: Data, _progress: Progress) -> Data:
    start = time.monotonic()
    time.sleep(arguments["seconds"])
    return {"start": start, "end": time.monotonic(), "pid": os.getpid()}


def leave_thread(_arguments: Data, _progress: Progress) -> Data:
    threading.Thread(target=time.sleep, args=(600,)).start()
    return {}


TABLE = {
    **OPERATIONS,
    **{
        name: f"{__name__}:{name}"
        for name, value in list(globals().items())
        if callable(value) and getattr(value, "__module__", "") == __name__
    },
}
