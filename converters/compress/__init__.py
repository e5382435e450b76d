"""Steps that make a Model smaller."""
