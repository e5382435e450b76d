"""Loading and understanding models."""
