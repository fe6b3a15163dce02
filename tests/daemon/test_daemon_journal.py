from __future__ import annotations

import logging
from datetime import datetime, timezone

import pytest

from perstream.daemon.journal import tell
from perstream.events import Done, Forgotten, GapRecorded, GateDecided, MemoryStored, Paused, ProactiveSaid, Redacted

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)


def test_what_happened_is_logged_and_what_it_was_about_is_not(caplog: pytest.LogCaptureFixture) -> None:
    secret = "Anna's letter"
    with caplog.at_level(logging.DEBUG, "perstream.daemon.journal"):
        for event in (
            Paused(NOON, "cam", 1.0, True),
            GapRecorded(NOON, "cam", 9.0, "paused", 1.0, 9.04),
            MemoryStored(NOON, "cam", 9.0, 7, secret, "people", (), 1.0, 2.0),
            ProactiveSaid(NOON, "cam", 9.0, secret, (), secret, "reminder:1"),
            GateDecided(NOON, "cam", 9.0, "people", 0.9, True),
            Redacted(NOON, None, None, "card", 2),
            Forgotten(NOON, None, None, (7, 8)),
            Done(NOON, "cam", 9.0, 90, 8, 1),
        ):
            tell(event)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("INFO", "cam was paused"),
        ("INFO", "cam gave no pictures for 8.0 s: paused"),
        ("DEBUG", "memory 7 of cam is stored"),
        ("INFO", "taken out of the house: card, 2 times"),
        ("INFO", "2 memories were forgotten"),
        ("INFO", "cam ended: 90 frames, 8 keyframes, 1 memories"),
    ]
    assert secret not in caplog.text
    assert vars(caplog.records[1])["reason"] == "paused" and vars(caplog.records[1])["source"] == "cam"
    assert vars(caplog.records[0])["event"] == "paused" and "source" not in vars(caplog.records[3])
