"""How files of pictures are called, for whoever may not open them."""

from __future__ import annotations

READABLE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".gif",
    ".avif",
    ".jp2",
    ".ppm",
    ".pgm",
    ".tga",
)
"""What a folder is searched for; a file that is named is read by its content, whatever it is called."""
