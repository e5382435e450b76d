"""Open any model file or artifact for running: one Session with the signature that says how to feed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from converters.fingerprints import sha256_of, size_of
from converters.model.signature import Signature, TensorInfo
from converters.progress import Progress
from converters.registry import SESSIONS, open_session
from converters.runtimes.base import Session, TensorSpec

_NO_SHAPES: Mapping[str, tuple[int, ...]] = MappingProxyType({})


@dataclass(frozen=True)
class Opened:
    """A running model and what is known about it.

    Attributes:
        name: of the file, for people.
        session: takes and gives the ONNX graph's layout (NCHW).
        signature: roles, colour order, mean and std; only shapes and types where a file says no more.
        family: id in `resources/families.json`, "" when unknown.
        size, sha256: of the file or package given.
        properties: an ONNX file's own, by key.
        unread: the matrix that an ONNX file carries for its host as its last initializer, None for none.
    """

    name: str
    session: Session
    signature: Signature
    family: str
    size: int
    sha256: str
    properties: Mapping[str, str] = field(default_factory=dict)
    unread: npt.NDArray[Any] | None = None


@contextmanager
def opened(
    path: Path,
    *,
    shapes: Mapping[str, tuple[int, ...]] = _NO_SHAPES,
    trust: bool = False,
    sha256: str = "",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Opened]:
    """Open a model (ONNX, PyTorch, `demo`) or an artifact (.mnn, .tflite, .mlpackage).

    A source model is loaded, checked and written anew before a runtime sees it; an artifact is opened as it is, so
    this belongs in a worker process.

    Args:
        path: of the model.
        shapes, trust, sha256: of a source model, as `source.load` takes them.
        threads: of the runtime; None for the usual number.
        progress: told about stages; may cancel.

    Raises:
        StudioError: as `source.load` and `open_session` do.
    """
    progress = progress or Progress()
    with ExitStack() as stack:
        suffix = f".{path.name.removesuffix('.unverified').rpartition('.')[2].lower()}"
        if suffix in SESSIONS and suffix != ".onnx":
            session = stack.enter_context(open_session(path, threads=threads))
            signature, family = _from_metadata(session)
            yield Opened(path.name, session, signature, family, size_of(path), sha256_of(path))
            return
        from converters.model.source import load

        model = load(path, shapes=shapes, trust=trust, sha256=sha256, progress=progress)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ffstudio-")))
        from converters.model.graph import write_proto
        from converters.model.unread import unread_matrix

        written = write_proto(model.proto, folder)
        properties = {entry.key: entry.value for entry in model.proto.metadata_props}
        unread = unread_matrix(model.proto)
        signature, family, source = model.signature, model.family, model.source
        del model  # the graph may be as large as the session, and this lasts as long
        session = stack.enter_context(open_session(written, threads=threads))
        yield Opened(path.name, session, signature, family, source.size, source.sha256, properties, unread)


def _from_metadata(session: Session) -> tuple[Signature, str]:
    if session.metadata is not None:
        return session.metadata.signature, session.metadata.family
    return Signature(tuple(map(_plain, session.inputs)), tuple(map(_plain, session.outputs))), ""


def _plain(spec: TensorSpec) -> TensorInfo:
    return TensorInfo(spec.name, tuple(spec.shape), spec.dtype)
