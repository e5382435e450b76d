"""The window's side of the live comparison: starts the preview process, takes its frames, counts its numbers."""
