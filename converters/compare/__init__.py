"""Two or more models on the same pictures: what the change between them looks like.

`engine.compare` is the parent's side; `crops`, `feeds`, `sides` and `judging` run in worker processes.
"""
