"""Run the command as ``python -m pypimirror``."""

from pypimirror.cli import main

if __name__ == "__main__":  # else a worker that was spawned imports it
    main()
