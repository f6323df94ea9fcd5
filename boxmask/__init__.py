"""Turn the boxes of a dataset into instance masks."""

__version__ = "0.1.0"
