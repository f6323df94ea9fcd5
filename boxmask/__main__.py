"""Run the command line with `python -m boxmask`."""

from boxmask.cli import main

if __name__ == "__main__":
    main()
