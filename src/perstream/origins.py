"""Where an imported fact comes from, as it stands in a memory's source: ``import:calendar:work.ics``."""

from __future__ import annotations

PREFIX = "import:"
_WORDS = {
    "calendar": "your calendar",
    "contacts": "your contacts",
    "markdown": "your notes",
    "text": "your notes",
    "mem0": "mem0",
    "chatgpt": "ChatGPT",
    "claude": "Claude",
}
_MEANT = {"calendar": "calendar appointment event", "contacts": "contacts", "markdown": "notes", "text": "notes"}


def source_of(origin: str) -> str:
    """The source of memories imported from an origin such as ``calendar:work.ics``."""
    return PREFIX + origin


def is_import(source: str | None) -> bool:
    """Was it told by a file, not by word of mouth?"""
    return source is not None and source.startswith(PREFIX)


def in_words(source: str) -> str:
    """ "your calendar work.ics", "mem0"."""
    kind, _, name = source.removeprefix(PREFIX).partition(":")
    words = _WORDS.get(kind, kind)
    return f"{words} {name}" if name else words


def asked_for(source: str) -> str:
    """The words of a source that a question may mean: of a recording its name, of an import what it is."""
    if is_import(source):
        return _MEANT.get(source.removeprefix(PREFIX).partition(":")[0], "")
    return source.rpartition(".")[0]


def folder_of(source: str) -> str | None:
    """How the sources of the files begin that were imported from a folder; None for what is no import."""
    return source.rstrip("/") + "/" if is_import(source) else None
