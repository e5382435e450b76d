"""Live comparison: frames from a source, each through two models, as pictures in shared memory and as numbers."""
