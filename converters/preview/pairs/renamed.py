"""A model that another program converted, under the original's names and in its layout."""

from __future__ import annotations

from collections.abc import Mapping

from converters.compare.binding import Bound, bind
from converters.model.signature import Signature
from converters.runtimes.base import Arrays, Session, TensorSpec


def with_names_of(original: Signature, session: Session, name: str) -> Session:
    """Return a session that takes and gives the original's tensors: itself where it does already.

    Args:
        original: names, shapes and layouts of the original.
        session: stays the caller's.
        name: of the candidate, for the sentence.

    Raises:
        UsageError: inputs or outputs do not correspond.
    """
    inputs = bind(original.inputs, session.inputs, name, "inputs")
    outputs = bind(original.outputs, session.outputs, name, "outputs")
    edges = {**inputs, **outputs}
    if all(ours == theirs.name and not theirs.is_turned for ours, theirs in edges.items()):
        return session
    return RenamedSession(session, inputs, outputs)


class RenamedSession(Session):
    """Hands everything on to another session.

    Args:
        session: stays the caller's.
        inputs, outputs: by the names that this session has.
    """

    def __init__(self, session: Session, inputs: Mapping[str, Bound], outputs: Mapping[str, Bound]) -> None:
        self._session = session
        self._theirs = (inputs, outputs)
        super().__init__(session.path, threads=session.threads)
        self.metadata = session.metadata

    @property
    def runtime(self) -> str:  # type: ignore[override]
        """Of the session behind."""
        return self._session.runtime

    @property
    def is_reference(self) -> bool:
        """Whether the reference executor is behind."""
        return bool(getattr(self._session, "is_reference", False))

    def _open(self) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        inputs, outputs = self._theirs
        return _specs(inputs, self._session.inputs), _specs(outputs, self._session.outputs)

    def _run(self, feeds: Arrays, outputs: tuple[str, ...]) -> Arrays:
        into, out = self._theirs
        given = {into[name].name: into[name].to_candidate(array) for name, array in feeds.items()}
        results = self._session.run(given, [out[name].name for name in outputs])
        return {name: out[name].from_candidate(results[out[name].name]) for name in outputs}

    def _close(self) -> None:
        """Leave the other session to its owner."""


def _specs(bound: Mapping[str, Bound], theirs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    specs = {spec.name: spec for spec in theirs}
    found = []
    for name, edge in bound.items():
        spec = specs[edge.name]
        shape = tuple(spec.shape[axis] for axis in (0, 3, 1, 2)) if edge.is_turned else spec.shape
        found.append(TensorSpec(name, shape, spec.dtype))
    return tuple(found)
