"""The fence around what the world wrote: text that was read or heard goes to a model quoted, never as its own words."""

from __future__ import annotations

from perstream.models.text import cleaned

_ESCAPED = str.maketrans(
    {
        **dict.fromkeys("<＜﹤〈⟨", "‹"),
        **dict.fromkeys(">＞﹥〉⟩", "›"),
        **dict.fromkeys("[［【﹝〔⟦", "("),
        **dict.fromkeys("]］】﹞〕⟧", ")"),
        **dict.fromkeys('"“”„‟＂〝〞`｀', "'"),
    }
)
"""What opens a tag, a chat template's token, a citation or a code block, or ends a quotation; and what looks like it or
becomes it in a tokenizer that normalizes (NFKC)."""
_TAGS = {letter: plain for letter, plain in _ESCAPED.items() if plain in "‹›"}


def whole(text: str) -> str:
    """The text without halves of characters (lone surrogates), which neither a tokenizer nor a database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def bare(text: str, limit: int) -> str:
    """One line of at most ``limit`` characters in which no fence, citation or special token can stand."""
    return cleaned(whole(text[: limit * 4]), limit).translate(_ESCAPED)


def quoted(text: str, limit: int) -> str:
    """The same in quotation marks, which it cannot leave."""
    return f'"{bare(text, limit)}"'


def untagged(text: str, limit: int) -> str:
    """A model's own words given back to it: one line, bounded, without tags and special tokens."""
    return cleaned(whole(text[: limit * 4]), limit).translate(_TAGS)


def fenced(name: str, lines: str) -> str:
    """``lines`` (already escaped) between the tags of a record: nothing inside can look like the closing tag."""
    return f"<{name}>\n{lines}\n</{name}>"
