"""The pages of the walk: Model, Prune, Quantize, Convert, Compare, Export."""
