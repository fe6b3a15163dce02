"""Threads: the event bus, the one assistant thread, the pipelines of the sources and their supervisor."""
