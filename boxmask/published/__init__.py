"""The authors' published models: read their checkpoints, and write them as weights of ours."""
