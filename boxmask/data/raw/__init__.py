"""A file as bytes: its members and records, each where it lies, decoded when asked for."""
