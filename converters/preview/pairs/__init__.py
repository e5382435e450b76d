"""What an original and a candidate of one kind make of the same frame."""
