"""What every target does around its converter: check before, look at the file after."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from converters.errors import UnsupportedError, VerificationError
from converters.model.graph import Model
from converters.parameters import Parameter, Value, checked_options
from converters.precision import Precision
from converters.progress import Progress
from converters.runtimes.base import Arrays, Session
from converters.targets.metadata import ArtifactMetadata, EdgeBinding

if TYPE_CHECKING:
    from converters.compress.quantize.encodings import Encodings


__all__ = [
    "Export",
    "ExportJob",
    "Exporter",
    "Precision",
    "encodings_for",
    "names_of",
]


def encodings_for(model: Model, precision: Precision, weight_block: int = 0) -> Encodings | None:
    """Return how a precision quantizes a model layer by layer; None where it does not, or the model has no Encodings.

    Args:
        model: with Encodings for INT8.
        precision: asked for.
        weight_block: 4-bit weights that are to share a scale, 0 for a whole channel.
    """
    from converters.compress.quantize.data_free import uniform_encodings
    from converters.compress.quantize.encodings import Scheme

    if precision is Precision.INT8:
        return model.encodings
    uniform = {Precision.INT4_WEIGHTS: Scheme.W4, Precision.INT8_DYNAMIC: Scheme.DYNAMIC}
    return uniform_encodings(model, uniform[precision], weight_block) if precision in uniform else None


def names_of(layers: Iterable[str], most: int = 3) -> str:
    """Return the first few of some layers' names and how many more there are."""
    names = list(layers)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


@dataclass(frozen=True)
class Export:
    """A written, not yet verified artifact.

    Attributes:
        path: the file or package, inside the folder that was given.
        metadata: as stored in the file.
        notes: sentences for the report (renamed tensors, a fall-back engine, …).
    """

    path: Path
    metadata: ArtifactMetadata
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class ExportJob:
    """One export, checked and complete.

    Attributes:
        model: with static shapes.
        folder: private to this export, existing, empty.
        precision: one the target offers.
        options: every one of the target's parameters.
        samples: a few real feeds, for engines that want some.
        progress: told about stages; may cancel.
    """

    model: Model
    folder: Path
    precision: Precision
    options: dict[str, Value]
    samples: list[Arrays]
    progress: Progress


class Exporter(ABC):
    """Model in, file out. A target implements `unavailable`, `objections`, `_export` and `open_session`.

    Attributes:
        target: the name in recipes and on the command line.
        title: the name people read.
        suffix: of the file, with its dot.
        precisions: what the target can keep.
        parameters: its options.
    """

    target: ClassVar[str]
    title: ClassVar[str]
    suffix: ClassVar[str]
    precisions: ClassVar[tuple[Precision, ...]] = (Precision.FP32, Precision.FP16, Precision.INT8_WEIGHTS)
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    @abstractmethod
    def unavailable(self) -> str:
        """Return why this target cannot run on this machine, in a sentence, or ''. Imports nothing heavy."""

    @abstractmethod
    def objections(self, model: Model, precision: Precision, options: dict[str, Value]) -> list[str]:
        """Return sentences on what in `model` this target cannot express; empty when it can try."""

    @abstractmethod
    def _export(self, job: ExportJob) -> Export:
        """Write the artifact into the job's folder."""

    @abstractmethod
    def open_session(self, path: Path, *, threads: int | None = None) -> Session:
        """Open one of this target's files."""

    def warm(self) -> None:
        """Import the heavy libraries that `_export` uses, so that a later export need not wait for them."""
        return

    def pinned(self, options: dict[str, Value], engine: str) -> dict[str, Value]:
        """Return options under which a further export takes the same way as one that `engine` made."""
        del engine
        return options

    def other_way(self, options: dict[str, Value], engine: str, weights: int) -> dict[str, Value] | None:
        """Return options to try when the file that `engine` made fails its verification; None when there are none.

        Args:
            options: those that were given.
            engine: as in the failing file's metadata.
            weights: bytes of the model's weights, for engines that large ones are too much for.
        """
        found: dict[str, Value] | None = None
        del options, engine, weights
        return found

    def check(self, model: Model, precision: Precision, options: dict[str, Value]) -> dict[str, Value]:
        """Return complete options; say everything that speaks against this export before any work starts.

        Raises:
            UsageError: an unknown option or a value out of bounds.
            UnsupportedError: the target is not available here, or cannot express the model.
        """
        complete = checked_options(self.parameters, options, self.target)
        reason = self.unavailable()
        if reason:
            raise UnsupportedError(f"{self.title} files cannot be made here.", reason)
        if precision not in self.precisions:
            known = ", ".join(self.precisions)
            raise UnsupportedError(f"{self.title} does not offer {precision}.", "", f"It offers {known}.")
        if precision is Precision.INT8 and model.encodings is None:
            raise UnsupportedError(
                "The model was not quantized.", "int8 files are made from calibrated ranges.", "Add the step quantize."
            )
        objections = self.objections(model, precision, complete)
        if objections:
            raise UnsupportedError(f"{self.title} cannot express this model.", " ".join(objections))
        return complete

    def export(
        self,
        model: Model,
        folder: Path,
        precision: Precision,
        options: dict[str, Value],
        samples: list[Arrays],
        progress: Progress,
    ) -> Export:
        """Write the artifact into `folder` and look whether it is one: exists, opens, has the right signature.

        Args:
            model: with static shapes.
            folder: private to this export, existing, empty.
            precision: one of `precisions`.
            options: values of `parameters`.
            samples: a few real feeds, for engines that want some.
            progress: told about stages; may cancel.

        Raises:
            UsageError, UnsupportedError: as `check` does.
            VerificationError: the converter reported success but left no usable file.
        """
        complete = self.check(model, precision, options)
        export = self._export(ExportJob(model, folder, precision, complete, samples, progress))
        if not export.path.exists() or _is_empty(export.path):
            raise VerificationError(
                f"The {self.title} converter left no file.",
                "It reports success even on a full disk.",
                "Look at the free space of the destination and at the log.",
            )
        progress(f"Opening the {self.title} file")
        with self.open_session(export.path) as session:
            _compare_edges("input", export.metadata.inputs, [(s.name, s.shape) for s in session.inputs], self.title)
            _compare_edges("output", export.metadata.outputs, [(s.name, s.shape) for s in session.outputs], self.title)
        return export

    def _metadata(
        self, job: ExportJob, engine: str, edges: tuple[tuple[EdgeBinding, ...], tuple[EdgeBinding, ...]]
    ) -> ArtifactMetadata:
        """Return what the file says about itself; the licence is the family's.

        Args:
            job: the export.
            engine: what writes the file, with its version.
            edges: how the model's inputs and outputs appear in the file.
        """
        from converters.model.families import family

        known = family(job.model.family)
        inputs, outputs = edges
        return ArtifactMetadata(
            target=self.target,
            engine=engine,
            precision=job.precision,
            family=job.model.family,
            licence=known.licence if known else "",
            source_name=job.model.source.name,
            source_sha256=job.model.source.sha256,
            signature=job.model.signature,
            inputs=inputs,
            outputs=outputs,
        )


def _is_empty(path: Path) -> bool:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return not any(file.stat().st_size for file in files)


def _compare_edges(
    what: str, wanted: tuple[EdgeBinding, ...], found: list[tuple[str, tuple[int, ...]]], title: str
) -> None:
    shapes = dict(found)
    for edge in wanted:
        have = shapes.get(edge.name)
        if have is None:
            raise VerificationError(f"The {title} file lost the {what} {edge.name}; it has {', '.join(shapes)}.")
        fits = len(have) == len(edge.shape) and all(h in (-1, w) for h, w in zip(have, edge.shape, strict=True))
        if not fits:
            raise VerificationError(
                f"The {what} {edge.name} of the {title} file has shape {have}, the model has {edge.shape}."
            )
