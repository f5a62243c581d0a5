"""``python -m altune`` is the command line."""

from altune.cli import main

main()
