"""What a refused pickle wanted, told without unpickling it."""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path

from converters.errors import BadInputError, StudioError, UnsafeInputError
from converters.model.archive import opened_zip
from converters.model.sniffing import open_source

# Modules no model file has any business with: naming one of them is an attack.
# fmt: off
_DANGEROUS = frozenset({
    "os", "posix", "nt", "subprocess", "sys", "builtins", "__builtin__", "shutil", "socket", "importlib", "runpy",
    "pty", "ctypes", "webbrowser", "code", "codecs", "marshal", "types", "functools", "operator", "pickle", "_pickle",
    "commands", "http", "urllib", "requests", "asyncio", "multiprocessing", "tempfile", "pip", "torch.hub",
    "torch.utils.cpp_extension", "torch.jit",
})
_HARMLESS_BUILTINS = frozenset({
    "set", "frozenset", "dict", "list", "tuple", "int", "float", "complex", "bytes", "bytearray", "str", "slice",
    "range",
})
# fmt: on
_LARGEST_PICKLE = 64 * 1024**2
_MOST_PICKLES = 8


def refusal(path: Path) -> StudioError:
    """Return the error for a checkpoint that safe loading refused: an attack, a whole network, or foreign objects."""
    wanted = globals_in(path)
    dangerous = [name for name in wanted if _is_dangerous(name)]
    if dangerous:
        return UnsafeInputError(
            f"{path.name} would run {', '.join(dangerous[:3])} when opened the usual way.",
            "This is how malicious checkpoints look; nothing of it was executed.",
            "Do not use this file; fetch the model from its author.",
        )
    networks = [name for name in wanted if name.startswith("torch.nn.modules.") or _is_own_class(name)]
    if any(name.startswith("torch.nn.modules.") for name in wanted):
        named = next((name for name in networks if not name.startswith("torch.")), networks[0])
        return UnsafeInputError(
            f"{path.name} is a pickled whole network ({named}), not a state dict.",
            "Opening it would run code from the file, which is never done here.",
            "Where the network's code is at hand, save torch.save(model.state_dict(), …) instead, or export ONNX.",
        )
    if networks:
        return UnsafeInputError(
            f"{path.name} holds Python objects of the kind {', '.join(networks[:3])} beside its weights.",
            "Opening them would run code, which is never done here.",
            "Save the state dict alone: torch.save(checkpoint['state_dict'], …), or use safetensors.",
        )
    return BadInputError(
        f"{path.name} is no readable PyTorch checkpoint.", "It is damaged, or a pickle of something else."
    )


def globals_in(path: Path) -> list[str]:
    """Return the names (`module.attribute`) that the pickles in a checkpoint refer to, in order, each once."""
    found: dict[str, None] = {}
    for data in _pickles(path):
        strings: list[str] = []
        position = 0
        for _pickle in range(_MOST_PICKLES):
            try:
                for opcode, argument, at in pickletools.genops(data[position:]):
                    if opcode.name in ("GLOBAL", "INST"):
                        found[str(argument).replace(" ", ".", 1)] = None
                    elif opcode.name == "STACK_GLOBAL" and len(strings) >= 2:
                        found[f"{strings[-2]}.{strings[-1]}"] = None
                    elif isinstance(argument, str):
                        strings.append(argument)
                    elif opcode.name == "STOP":
                        position += (at or 0) + 1
            except Exception:
                # genops raises ValueError, UnicodeDecodeError, struct.error and more where a pickle ends; what was
                # found so far is what can be told.
                break
    return list(found)


def _pickles(path: Path) -> list[bytes]:
    if zipfile.is_zipfile(path):
        with opened_zip(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".pkl") and m.file_size <= _LARGEST_PICKLE]
            return [archive.read(member) for member in members[:_MOST_PICKLES]]
    with open_source(path) as file:
        return [file.read(_LARGEST_PICKLE)]


def _is_dangerous(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    if module in ("builtins", "__builtin__"):
        return attribute not in _HARMLESS_BUILTINS
    return any(name == bad or name.startswith(f"{bad}.") for bad in _DANGEROUS)


def _is_own_class(name: str) -> bool:
    return not name.startswith(("torch.", "collections.", "numpy.", "builtins.", "__builtin__.", "_codecs."))
