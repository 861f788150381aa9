"""Run the command as ``python -m pypimirror``."""

from pypimirror.cli import main

main()
