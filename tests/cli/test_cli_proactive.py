"""perstream why, feedback, snooze, dnd and weights: each on the store itself, so what one sets the next one finds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cli_world import Cli

from perstream.config import MemoryConfig
from perstream.memory.memory import Memory
from perstream.speech import Considered

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def spoken(cli: Cli) -> int:
    """A store in which one word was said, and one held back; the word's number."""
    Path(cli.store).mkdir()
    with Memory.open(cli.store, MemoryConfig(), lambda texts: pytest.fail("embeds nothing")) as memory:
        number = memory.feedback.said(Considered(0, NOON, "lost", "Your \x1b[31mkeys.", "in view", 1, 0.9, None))
        memory.feedback.held_back(
            Considered(
                0, NOON + timedelta(seconds=9), "lost", "Your keys.", "in view", 1, 0.9, "cooldown", "said at noon"
            )
        )
    return number


def test_why_tells_words_and_silences(cli: Cli, spoken: int) -> None:
    listed = cli("why", "--json").json
    assert [(one["said"], one["reason"], one["detail"]) for one in listed] == [
        (False, "cooldown", "said at noon"),
        (True, None, ""),
    ]
    assert [one["id"] for one in cli("why", "--said", "--json").json] == [spoken]
    shown = cli("why").out
    assert "silent: cooldown" in shown and "\x1b" not in shown


def test_feedback_is_kept_and_taken_back(cli: Cli, spoken: int) -> None:
    assert cli("feedback", str(spoken), "dismiss").code == 0
    (topic, kind) = cli("weights", "--json").json[::-1]
    assert (topic["topic"], kind["topic"], topic["weight"]) == ("lost", "kind:lost", -0.2)
    assert cli("weights", "--reset", "--json").json == [{"reset": 2}]
    assert cli("weights", "--json").json == []
    missing = cli("feedback", "999", "useful")
    assert missing.code != 0 and "no word 999" in missing.err


def test_snooze_and_dnd_last(cli: Cli, spoken: int) -> None:
    assert cli("snooze", "--for", "2h").code == 0
    assert cli("dnd", "on", "--json").json == [{"on": True}]
    shown = cli("why").out
    assert "snoozed until" in shown and "do not disturb is on" in shown
    assert cli("snooze", "--wake").code == 0
    assert cli("dnd", "off").code == 0
    assert "snoozed" not in cli("why").out


@pytest.mark.parametrize(
    "args", [(), ("--for", "2h", "--wake"), ("--for", "0h"), ("--for", "h"), ("--for", "9999999999d"), ("--until", "soon"), ("--until", "2020-01-01")]
)  # fmt: skip
def test_a_snooze_that_makes_no_sense_is_refused(cli: Cli, args: tuple[str, ...]) -> None:
    refused = cli("snooze", *args)
    assert refused.code == 2 and refused.err.count("\n") == 1
