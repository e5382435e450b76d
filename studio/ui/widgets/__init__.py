"""Controls that pages are made of; each knows plain values only."""
