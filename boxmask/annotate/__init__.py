"""Boxes in, masks out: plan, shards, part files, merge, and the run that ties them together."""
