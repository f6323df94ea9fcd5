"""Masks drawn over their images, to look at."""

from boxmask.show.job import Labels, Show, Shown, picture_of
from boxmask.show.run import show

__all__ = ["Labels", "Show", "Shown", "picture_of", "show"]
