"""Partially supervised training of the mask networks."""
