"""What a change to a model did to it."""
