"""Run the command line with `python -m boxmask`."""

from boxmask.cli import app

if __name__ == "__main__":
    app()
