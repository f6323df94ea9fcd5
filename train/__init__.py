"""Partially supervised training."""
