"""The version, where the package's own parts can read it without its front door."""

__version__ = "0.2.0"
