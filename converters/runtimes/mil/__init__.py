"""The Core ML reference executor."""
