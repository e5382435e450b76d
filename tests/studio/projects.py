"""Small projects with real files, and processes of their own, for the tests of the document."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from converters.fingerprints import sha256_of, size_of
from studio.document import Document
from studio.project import MadeFile

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def made_file(path: Path, content: str = "weights") -> MadeFile:
    """Write a file, or a package where the name ends so, and describe it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mlpackage":
        (path / "Data").mkdir(parents=True)
        (path / "Data" / "weight.bin").write_text(content)
    else:
        path.write_text(content)
    return MadeFile(path, "mnn", "fp32", size_of(path), sha256_of(path), True, "key", {"notes": ["as it is"]})


def write_model(path: Path, content: str = "model") -> str:
    """Write what stands for a model here, and return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return sha256_of(path)


def take_model(document: Document, path: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> None:
    """Have a document take a model as the window does after an inspection."""
    document.set_source(str(path), sha256_of(path), {"family": "none"}, shapes or {}, False)


@contextmanager
def running(
    code: str, *arguments: str | Path, as_nobody: bool = False, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run code in a process of its own that prints a line when it is where the test wants it; at the end it is killed.

    Args:
        code: may use `Document`, `StudioError`, `Path`, `sys`, `application` (whose event loop does not run).
        arguments: `sys.argv[1:]`.
        as_nobody: as an ordinary user, for whom permissions count.
        environment: further variables.
    """
    become = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})" if as_nobody and os.geteuid() == 0 else ""
    # all that is needed later is imported first: an ordinary user may not reach the interpreter's folder
    prologue = f"""
        import os, platform, psutil, sys, uuid
        from pathlib import Path
        from PySide6.QtCore import QCoreApplication
        from converters.errors import StudioError
        from studio.document import Document
        "".encode("utf-8-sig")
        {become}
        application = QCoreApplication([])
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(prologue) + textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints, "" when it ended."""
    output: IO[str] | None = process.stdout
    assert output is not None
    return output.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    """Close a process's input, after which it ends by itself."""
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=30) == 0
