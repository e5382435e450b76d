"""The one door to work: submit, follow, cancel, retry. Worker processes are behind it."""
