"""What each MIL operator computes; one file per group, found by `registry.operators`."""
