"""PerStream: a personal memory assistant for what its owner sees."""

from perstream.version import __version__

__all__ = ["__version__"]
