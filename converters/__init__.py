"""The engine: import, compress, convert, verify and compare face models. No Qt."""
