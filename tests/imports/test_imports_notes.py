"""Markdown, pasted lists and the exports of other assistants."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perstream.errors import ConfigError, NotFound
from perstream.imports.formats import detect, read
from perstream.imports.item import MAX_TEXT, Imported, Skipped
from perstream.imports.person import first_person
from perstream.imports.prose import cleaned, pieces

NOW = datetime(2026, 11, 20, 16, tzinfo=timezone.utc)
BERLIN = ZoneInfo("Europe/Berlin")
TRIPS = """---
tags: [travel]
created: 2025-05-02
---
# Japan 2025
We stayed at **Hotel Sakura** near [[Tokyo Station|the station]]. #travel/japan
The onsen was great.

- Flight: LH710 <!-- secret --> %% hidden %%
- Restaurants
  - [[Sushi Dai]] in Tsukiji
  - [ ] book Narisawa
```python
print("no")
```
| City | Nights |
|------|--------|
| Kyoto | 3 |
![[photo.png]]
> [!note] Remember the JR pass is 50000 yen.
<% tp.date %>
"""


def told(path: Path, name: str | None = None, **more: str) -> list[Imported]:
    return [t for t in read(name or detect(path), path, NOW, BERLIN, **more) if isinstance(t, Imported)]


def texts(path: Path, name: str | None = None, **more: str) -> list[str]:
    return [thing.text for thing in told(path, name, **more)]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_note(tmp_path: Path) -> None:
    things = told(write(tmp_path / "Trips.md", TRIPS))
    assert [thing.text for thing in things] == [
        "Trips, Japan 2025 – We stayed at Hotel Sakura near the station. The onsen was great.",
        "Trips, Japan 2025 – Flight: LH710",
        "Trips, Japan 2025, Restaurants – Sushi Dai in Tsukiji",
        "Trips, Japan 2025, Restaurants – To do: book Narisawa",
        "Trips, Japan 2025 – City: Kyoto, Nights: 3",
        "Trips, Japan 2025 – Remember the JR pass is 50000 yen.",
    ]
    assert {thing.at for thing in things} == {datetime(2025, 5, 1, 22, tzinfo=timezone.utc)}
    assert {thing.origin for thing in things} == {"markdown:Trips.md"}


def test_calendars_in_a_folder_of_notes_are_named_and_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("- the key is under the mat\n")
    (tmp_path / "Work.ICS").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    found = list(read("markdown", tmp_path, NOW, BERLIN))
    assert [one.where for one in found if isinstance(one, Skipped)] == ["Work.ICS"]
    assert sum(isinstance(one, Imported) for one in found) == 1


def test_a_folder(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    write(vault / "daily/2026-11-18.md", "Met Anna for lunch.\n\nMet Anna for lunch.")
    write(vault / "b.txt", "I keep the spare key in the shed")
    write(vault / "Templates/t.md", "no")
    write(vault / ".obsidian/a.md", "no")
    write(vault / "picture.svg", "no")
    write(vault / "big.md", "x" * 3_000_000)
    outside = write(tmp_path / "secret.md", "no")
    (vault / "link.md").symlink_to(outside)
    (vault / "way").symlink_to(tmp_path, target_is_directory=True)
    found = list(read("markdown", vault, NOW, BERLIN))
    things = [one for one in found if isinstance(one, Imported)]
    assert [(one.origin, one.text) for one in things] == [
        ("markdown:vault/b.txt", "b – I keep the spare key in the shed"),
        ("markdown:vault/daily/2026-11-18.md", "Met Anna for lunch."),
    ]
    assert things[1].at == things[1].valid_from == datetime(2026, 11, 17, 23, tzinfo=timezone.utc)
    (skipped,) = [one for one in found if isinstance(one, Skipped)]
    assert (skipped.where, "larger than" in skipped.why) == ("big.md", True)


def test_words_without_marks() -> None:
    for marked, plain in (
        ("a **b** _c_ `d` ~~e~~ ==f==", "a b c d e f"),
        ("see [the page](https://x.example/a_(b)) and <https://y.example>", "see the page and https://y.example"),
        ("snake_case_name and 2*3*4 stay", "snake_case_name and 2*3*4 stay"),
        ("mood:: good ^abc123", "mood: good"),
        ("Met #anna today", "Met anna today"),
        ("C# and #1 stay", "C# and #1 stay"),
        ("a\u200bb\u202ec\x1b[31m", "abc[31m"),
    ):
        assert cleaned(marked) == plain


@given(st.text(st.sampled_from("[]()!#*_`~|<>-+=%: \n\tab1^\\"), max_size=400))
def test_any_markdown_is_read(text: str) -> None:
    for piece in pieces(text):
        assert piece.text.strip() == piece.text != ""
        assert "\n" not in piece.text


@pytest.mark.parametrize("mark", ["[", "![", "[[", "*a ", "_", "`", "<", "(", "- ", "> ", "|", "#a "])
def test_long_lines_of_marks_take_no_time(mark: str) -> None:
    list(pieces(mark * 9000))


def test_mem0(tmp_path: Path) -> None:
    results = [
        {"id": "1", "memory": "User prefers tea", "created_at": "2025-07-22T04:40:22.738450-07:00", "user_id": "alex"},
        {"id": "2", "memory": "Name is Alex", "categories": ["x"], "metadata": {"a": [1]}},
        {"id": "3"},
        7,
        {"id": "4", "memory": "x" * (MAX_TEXT + 1)},
    ]
    file = write(tmp_path / "mem0.json", json.dumps({"count": 5, "results": results}))
    assert detect(file) == "mem0"
    things = told(file)
    assert [(one.key, one.text) for one in things] == [("1", "I prefer tea"), ("2", "My name is Alex")]
    assert things[0].at == datetime(2025, 7, 22, 11, 40, 22, 738450, timezone.utc)
    assert len(list(read("mem0", file, NOW))) == 5
    write(file, json.dumps(results))
    assert len(told(file)) == 2
    write(file, json.dumps([*results, {"id": "9", "memory": "Likes jazz", "user_id": "bo"}]))
    with pytest.raises(ConfigError, match="--user alex, bo"):
        told(file)
    assert texts(file, user="bo") == ["I like jazz"]


def test_chatgpt(tmp_path: Path) -> None:
    pasted = "```\n[2025-03-01] - User has a dog named Rex.\n[unknown] - Is planning a trip.\n```\n\nThat is all.\n"
    things = told(write(tmp_path / "mine.txt", pasted), "chatgpt")
    assert [one.text for one in things] == ["I have a dog named Rex.", "I am planning a trip.", "That is all."]
    assert things[0].at == datetime(2025, 3, 1, tzinfo=timezone.utc)
    assert things[0].origin == "chatgpt"
    copied = write(tmp_path / "copied.txt", "Saved memories\n\nUser likes tea.\n")
    assert texts(copied) == ["I like tea."]
    memory = write(
        tmp_path / "memory.json",
        json.dumps([{"content": "User likes jazz", "enabled": True}, {"content": "Old", "enabled": False}]),
    )
    assert (detect(memory), texts(memory)) == ("chatgpt", ["I like jazz"])
    bio = {"id": "m1", "recipient": "bio", "create_time": 1.74e9, "content": {"parts": ["User lives in Hamburg."]}}
    other = {"id": "m2", "recipient": "all", "content": {"parts": ["User: hello"]}}
    talk = [{"title": "t", "mapping": {"a": {"message": bio}, "b": {"message": other}, "c": {"message": None}, "d": 1}}]
    conversations = write(tmp_path / "conversations.json", json.dumps(talk))
    (one,) = told(conversations)
    assert (one.text, one.at and one.at.year) == ("I live in Hamburg.", 2025)


def test_claude(tmp_path: Path) -> None:
    text = "**Work context**\n\nJohn is a product manager.\n\n**Personal context**\n\n- Lives in Hamburg\n- Plays the cello\n"
    assert texts(write(tmp_path / "c.txt", text), "claude") == [
        "John is a product manager.",
        "I live in Hamburg",
        "I play the cello",
    ]
    file = write(
        tmp_path / "memories.json", json.dumps([{"conversations_memory": text, "project_memories": {"p": "- x1"}}])
    )
    assert detect(file) == "claude"
    assert len(told(file)) == 4


def test_first_person() -> None:
    for before, after in (
        ("User is vegetarian. User's cat is Tom.", "I am vegetarian. My cat is Tom."),
        ("The user often watches films", "I often watch films"),
        ("User tries to cook", "I try to cook"),
        ("User cannot swim", "I cannot swim"),
        ("User moved to Rome", "I moved to Rome"),
        ("Users like it", "Users like it"),
        ("User interface is dark", "User interface is dark"),
        ("Anna likes tea", "Anna likes tea"),
    ):
        assert first_person(before) == after


def test_which_format(tmp_path: Path) -> None:
    for name, content, wanted in (
        ("a.ics", "x", "calendar"),
        ("a.vcf", "x", "contacts"),
        ("a.md", "x", "markdown"),
        ("noname", "BEGIN:VCALENDAR", "calendar"),
        ("list.txt", "[2025-01-01] - x", "text"),
    ):
        assert detect(write(tmp_path / name, content)) == wanted
    for name, content in (
        ("a.pdf", "x"),
        ("all.jsonl", '{"kind":"header","format":"perstream-memory"}'),
        ("a.json", "{}"),
    ):
        with pytest.raises(ConfigError) as caught:
            detect(write(tmp_path / name, content))
        assert "\n" not in str(caught.value)
    with pytest.raises(NotFound):
        detect(tmp_path / "missing")


def test_hostile_files(tmp_path: Path) -> None:
    deep = write(tmp_path / "deep.json", "[" * 200_000)
    for name, path in (("mem0", deep), ("chatgpt", deep), ("mem0", write(tmp_path / "s.json", '"x"'))):
        with pytest.raises(ConfigError):
            told(path, name)
    huge = tmp_path / "huge.ics"
    with huge.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(ConfigError, match="larger than"):
        told(huge)
    with pytest.raises(ConfigError, match="larger than"):
        told(write(tmp_path / "long.txt", "- x\n" * 600_000))
    os.mkfifo(tmp_path / "pipe.ics")
    with pytest.raises(ConfigError, match="no plain file"):
        told(tmp_path / "pipe.ics", "calendar")
