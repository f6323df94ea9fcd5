"""Photographs in, boxes and masks out: what a detector finds becomes a box file for annotate."""
