"""``python -m hyperx`` is ``hyperx``."""

from hyperx.cli import main

main()
