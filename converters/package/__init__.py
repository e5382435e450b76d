"""A folder for the people who build the app: chosen files, how to feed them, what is known of them, whose they are.

`writing.write_package` is the side that never runs native code; `operation.write_texts` is the worker's part.
"""

from __future__ import annotations

from converters.package.request import PackagedFile, PackageRequest
from converters.package.writing import write_package

__all__ = ["PackageRequest", "PackagedFile", "write_package"]
