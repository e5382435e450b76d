"""Training: the loop that resumes, and the recipe of the demo model and its embedder. Needs PyTorch only."""
