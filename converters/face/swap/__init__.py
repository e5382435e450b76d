"""Swappers of every family behind one class: what each takes and gives is data."""
