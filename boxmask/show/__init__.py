"""Masks drawn over their images, to look at."""

from boxmask.show.job import Labels, Show, Shown
from boxmask.show.run import show

__all__ = ["Labels", "Show", "Shown", "show"]
