"""A comparison as one HTML file that needs nothing else, and as pictures of its worst frames.

Everything here runs in a worker process and reads what the comparison left in its staging folder.
"""
