"""What `examples/fuzz.py` damages: each file that a user may hand us, and what reads it."""
