"""Exact rewrites: one file each, applied only with their largest difference shown."""
