"""Tests that start the real program, press its buttons and look at what it shows."""
