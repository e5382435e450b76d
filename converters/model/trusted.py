"""Files that run code when opened: TorchScript, exported programs, Python factories. Only on explicit trust."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.errors import (
    BadInputError,
    SizesNeededError,
    StudioError,
    TrustNeededError,
    UnsupportedError,
    UsageError,
    did_you_mean,
)
from converters.model.archive import check_contents
from converters.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor, nn

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class TrustedNetwork:
    """A network and an example of each of its inputs, by name, in the order of its parameters."""

    module: nn.Module
    inputs: dict[str, Tensor]


def require_trust(trust: bool, name: str, what: str) -> None:
    """Refuse to go on without the person's word.

    Raises:
        TrustNeededError: `trust` is not given.
    """
    if not trust:
        raise TrustNeededError(
            f"{name} is {what}.",
            "Opening it can run code from the file with all your rights.",
            "Open it only if you trust where it comes from; otherwise ask for an ONNX or safetensors file.",
        )


def open_torchscript(path: Path, shapes: Shapes, progress: Progress) -> TrustedNetwork:
    """Open a TorchScript file. The sizes of its inputs are not in it.

    Raises:
        UsageError: `shapes` lacks an input.
        BadInputError: damaged.
        UnsupportedError: it wants something else than tensors.
    """
    import torch

    # The native reader is not proof against damage: every member is compared with its checksum before.
    check_contents(path, progress)
    progress("Opening the TorchScript program")
    module = _opened(path, lambda: torch.jit.load(str(path), map_location="cpu"))  # type: ignore[no-untyped-call]
    arguments = [argument for argument in module.forward.schema.arguments[1:] if not argument.has_default_value()]
    for argument in arguments:
        if str(argument.type) != "Tensor":
            raise UnsupportedError(f"The input {argument.name} of {path.name} is {argument.type}, not a tensor.")
    names = [argument.name for argument in arguments]
    return TrustedNetwork(module.eval(), _examples(path.name, names, {}, shapes))


def open_exported_program(path: Path, shapes: Shapes, progress: Progress) -> TrustedNetwork:
    """Open a `.pt2` file of torch.export. It knows the sizes of its inputs, except free axes.

    Raises:
        UsageError: `shapes` lacks an input with free axes.
        BadInputError: damaged, or made by another version of torch.
    """
    import torch

    check_contents(path, progress)
    progress("Opening the exported program")
    program = _opened(path, lambda: torch.export.load(str(path)))
    metas = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    names = [str(name) for name in program.graph_signature.user_inputs]
    known: dict[str, Tensor] = {}
    for name in names:
        value = metas.get(name)
        if not isinstance(value, torch.Tensor):
            raise UnsupportedError(f"The input {name} of {path.name} is not a tensor.")
        if all(isinstance(size, int) for size in value.shape):
            known[name] = torch.zeros(tuple(value.shape), dtype=value.dtype)
    return TrustedNetwork(program.module(), _examples(path.name, names, known, shapes))


def call_factory(path: Path, function: str, shapes: Shapes, progress: Progress) -> TrustedNetwork:
    """Run `function` of a Python file; it returns the network, or the network and example inputs.

    Example inputs are a tensor, a tuple of tensors or a dict of tensors by name. Without them `shapes` says the
    sizes, of float32 tensors named like the parameters of `forward`.

    Raises:
        BadInputError: the file or the function fails, or returns something else.
        UsageError: sizes are missing.
    """
    from torch import Tensor, nn

    progress("Running the factory", detail=f"{path.name}:{function}")
    made = _opened(path, lambda: _call(path, function))
    examples: object = ()
    if isinstance(made, tuple) and len(made) == 2:
        made, examples = made
    if not isinstance(made, nn.Module):
        raise BadInputError(
            f"{path.name}:{function} returned {type(made).__name__}, not a torch.nn.Module.",
            "",
            "Return the network, or the network and example inputs.",
        )
    parameters = [
        name
        for name, parameter in inspect.signature(made.forward).parameters.items()
        if parameter.default is parameter.empty and parameter.kind in (0, 1)
    ]
    if isinstance(examples, Tensor):
        examples = (examples,)
    if isinstance(examples, tuple):
        examples = dict(zip(parameters, examples, strict=False))
    if not isinstance(examples, dict) or not all(isinstance(value, Tensor) for value in examples.values()):
        raise BadInputError(f"The example inputs of {path.name}:{function} are no tensors.")
    return TrustedNetwork(made.eval(), _examples(path.name, parameters, examples, shapes))


def _call(path: Path, function: str) -> Any:
    specification = importlib.util.spec_from_file_location(f"trusted_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise BadInputError(f"{path.name} is no Python file.")
    code = importlib.util.module_from_spec(specification)
    # Factories import their neighbours; the folder leaves the path again whatever happens.
    folder = str(path.resolve().parent)
    writes_bytecode = sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        specification.loader.exec_module(code)
        factory: Callable[[], Any] | None = getattr(code, function, None)
        if not callable(factory):
            names = [name for name, value in vars(code).items() if callable(value) and not name.startswith("_")]
            raise UsageError(f"{path.name} has no function {function!r}.", "", did_you_mean(function, names))
        return factory()
    finally:
        sys.dont_write_bytecode = writes_bytecode
        sys.path.remove(folder)


def _opened(path: Path, action: Callable[[], Any]) -> Any:
    """Run the file's code; whatever it raises is the file's fault, and said so."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return action()
    except StudioError:
        raise
    except (Exception, SystemExit) as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        raise BadInputError(
            f"{path.name} cannot be opened: {type(error).__name__}: {first[:300]}",
            "The file is damaged, was made by another version of torch, or its code fails.",
            "Look at the message, or export ONNX with the network's own tools.",
        ) from error


def _examples(owner: str, names: list[str], known: dict[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    import torch

    for wanted in shapes:
        if wanted not in names:
            raise UsageError(f"{owner} has no input {wanted!r}.", "", did_you_mean(wanted, names))
    missing = [name for name in names if name not in known and name not in shapes]
    if missing:
        options = " ".join(f"{name}=1,3,H,W" for name in missing)
        raise SizesNeededError(
            f"{owner} does not say how large its inputs are.",
            "",
            f"Say the sizes: {options}",
            dict.fromkeys(missing),
        )
    examples = {}
    for name in names:
        shape = shapes.get(name)
        if shape is not None and any(size < 1 or size > 2**20 for size in shape):
            raise UsageError(f"{name}={','.join(map(str, shape))} has a size that makes no sense.")
        kind = known[name].dtype if name in known else torch.float32
        examples[name] = known[name] if shape is None else torch.zeros(shape, dtype=kind)
    return examples
