"""Import coremltools without the libraries it only asks about, and read its file format without importing it at all."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
import types
import warnings
from pathlib import Path
from typing import Any

from converters.errors import UnsupportedError

# coremltools imports each of these when it is present, to offer converters that this program does not use. TensorFlow
# alone takes six seconds; torchao and transformers drag in torch's compiler.
_UNWANTED = (
    "tensorflow",
    "transformers",
    "torchao",
    "executorch",
    "sklearn",
    "xgboost",
    "libsvm",
    "torchvision",
    "torchaudio",
)
_SCHEMA_PACKAGE = "converters_coreml_schema"
_lock = threading.Lock()


def import_coremltools() -> Any:
    """Return the coremltools module, imported once, quickly and without its version warnings.

    While the import runs, the optional libraries it would drag in look absent; afterwards `sys.modules` is as it was,
    so all of them stay importable. scikit-learn is only hidden from coremltools' own converter for it.

    Raises:
        UnsupportedError: coremltools is not installed.
    """
    with _lock:
        loaded = sys.modules.get("coremltools")
        if loaded is not None:
            return loaded
        if importlib.util.find_spec("coremltools") is None:
            raise UnsupportedError(
                "Core ML files need coremltools, which is not installed.",
                "",
                "Install it with: pip install coremltools",
            )
        logger = logging.getLogger("coremltools")
        level = logger.level
        hidden = {name: sys.modules.get(name) for name in _UNWANTED}
        sys.modules.update(dict.fromkeys(_UNWANTED))  # type: ignore[arg-type]  # None makes an import fail
        logger.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                imported = importlib.import_module("coremltools")
            _stop_progress_bars()
            return imported
        finally:
            logger.setLevel(level)
            for name, module in hidden.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module


def _stop_progress_bars() -> None:
    """Keep coremltools' progress bars from starting a thread that outlives every conversion."""
    import tqdm

    tqdm.tqdm.monitor_interval = 0


def coreml_schema() -> Any:
    """Return the module of coremltools' generated protobuf classes that has `Model`.

    Reading a package needs the file format only: its generated classes load in 40 ms without coremltools itself.

    Raises:
        UnsupportedError: coremltools is not installed.
    """
    with _lock:
        if "coremltools" in sys.modules:
            return importlib.import_module("coremltools.proto.Model_pb2")
        if _SCHEMA_PACKAGE not in sys.modules:
            found = importlib.util.find_spec("coremltools")
            if found is None or found.origin is None:
                raise UnsupportedError(
                    "Core ML files need coremltools, which is not installed.",
                    "",
                    "Install it with: pip install coremltools",
                )
            package = types.ModuleType(_SCHEMA_PACKAGE)
            package.__path__ = [str(Path(found.origin).parent / "proto")]
            sys.modules[_SCHEMA_PACKAGE] = package
        return importlib.import_module(f"{_SCHEMA_PACKAGE}.Model_pb2")
