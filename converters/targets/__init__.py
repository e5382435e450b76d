"""Model to Artifact, one file per target."""
