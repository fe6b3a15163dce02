"""``python -m perstream``."""

from perstream.cli.main import main

main()
