"""Calendars: what becomes of appointments, and what broken or mad files cost."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from perstream.errors import ConfigError
from perstream.imports.events import read_calendar
from perstream.imports.item import Imported, Skipped
from perstream.imports.recurrence import DAYS, rule_of

NOW = datetime(2026, 11, 20, 16, tzinfo=timezone.utc)
BERLIN = ZoneInfo("Europe/Berlin")
DENTIST = """BEGIN:VEVENT
UID:dentist@example.org
LAST-MODIFIED:20261101T080000Z
DTSTART;TZID=Europe/Berlin:20261203T090000
DTEND;TZID=Europe/Berlin:20261203T093000
SUMMARY:Dentist
LOCATION:Main St 5
DESCRIPTION:Bring the card.\\nhttps://meet.example/abc\\n________________\\nJoin the meeting
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT30M
END:VALARM
END:VEVENT
"""


def found(tmp_path: Path, *components: str, raw: bytes | None = None) -> list[Imported | Skipped]:
    file = tmp_path / "work.ics"
    whole = "BEGIN:VCALENDAR\nVERSION:2.0\n" + "".join(components) + "END:VCALENDAR\n"
    file.write_bytes(raw if raw is not None else whole.replace("\n", "\r\n").encode())
    return list(read_calendar(file, NOW, BERLIN))


def event(*lines: str, uid: str = "1") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT", ""])


def texts(things: list[Imported | Skipped]) -> list[str]:
    return [thing.text if isinstance(thing, Imported) else f"! {thing.why}" for thing in things]


def test_an_appointment(tmp_path: Path) -> None:
    (one,) = found(tmp_path, DENTIST)
    assert isinstance(one, Imported)
    assert one.text == "Dentist at Main St 5 on 3 December 2026 at 09:00 for 30 minutes. Bring the card."
    assert (one.origin, one.key, one.revises) == ("calendar:work.ics", "dentist@example.org", False)
    assert one.at == datetime(2026, 11, 1, 8, tzinfo=timezone.utc)
    assert one.valid_from == datetime(2026, 12, 3, 8, tzinfo=timezone.utc)
    assert one.valid_to == datetime(2026, 12, 3, 8, 30, tzinfo=timezone.utc)
    assert one.remind_at == datetime(2026, 12, 3, 7, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("DTSTART:20261203T080000Z", "SUMMARY:Call"), "Call on 3 December 2026 at 09:00."),
        (("DTSTART:20261203T080000", "SUMMARY:Floating"), "Floating on 3 December 2026 at 08:00."),
        (("DTSTART;TZID=Nowhere/At All:20261203T080000", "SUMMARY:Lost"), "Lost on 3 December 2026 at 08:00."),
        (
            ("DTSTART;TZID=America/New_York:20261203T200000", "SUMMARY:Far"),
            "Far on 4 December 2026 at 02:00.",
        ),
        (("DTSTART;VALUE=DATE:20261203", "SUMMARY:Holiday"), "Holiday on 3 December 2026."),
        (
            ("DTSTART;VALUE=DATE:20261222", "DTEND;VALUE=DATE:20270103", "SUMMARY:Trip"),
            "Trip from 22 December 2026 to 2 January 2027.",
        ),
        (("DTSTART:20261203T080000Z", "DURATION:PT90M", "SUMMARY:Long"), "Long on 3 December 2026 at 09:00 for 90 minutes."),
        (
            ("DTSTART:20261203T110000Z", 'ATTENDEE;CN="Anna Smith":mailto:a@x', "ATTENDEE;CN=b@x:mailto:b@x", "SUMMARY:Lunch"),
            "Lunch with Anna Smith on 3 December 2026 at 12:00.",
        ),
        (("DTSTART:20261203T080000Z", "LOCATION:https://meet.example/x", "SUMMARY:Web"), "Web on 3 December 2026 at 09:00."),
        (
            ("DTSTART:20261203T080000Z", "SUMMARY:a\u202eb\u0007c\ufeff\\nd"),
            "abc d on 3 December 2026 at 09:00.",
        ),
    ],
)  # fmt: skip
def test_sentences(tmp_path: Path, lines: tuple[str, ...], text: str) -> None:
    assert texts(found(tmp_path, event(*lines))) == [text]


def test_what_comes_again_says_its_rule_and_its_next_days(tmp_path: Path) -> None:
    series = event(
        "DTSTART;TZID=Europe/Berlin:20260106T180000",
        "RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20261220T000000Z",
        "EXDATE;TZID=Europe/Berlin:20261201T180000",
        "SUMMARY:Yoga",
        uid="yoga",
    )
    moved = event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20261208T180000", "DTSTART:20261209T180000Z", "SUMMARY:Yoga", uid="yoga"
    )
    off = event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20261124T180000",
        "DTSTART;TZID=Europe/Berlin:20261124T180000",
        "STATUS:CANCELLED",
        "SUMMARY:Yoga",
        uid="yoga",
    )
    whole, other, cancelled = found(tmp_path, series, moved, off)
    assert isinstance(whole, Imported) and isinstance(other, Imported) and isinstance(cancelled, Imported)
    assert whole.text == "Yoga every Tuesday at 18:00 until 20 December 2026. Yoga is next on 15 December 2026."
    assert other.text == "Yoga on 9 December 2026 at 19:00, instead of the one on 8 December 2026."
    assert (cancelled.text, cancelled.ended) == ("Yoga on 24 November 2026 is cancelled.", True)
    assert len({whole.key, other.key, cancelled.key}) == 3


def test_to_dos_and_newer_versions(tmp_path: Path) -> None:
    todo = "BEGIN:VTODO\nUID:t\nSUMMARY:Renew my passport\nDUE;VALUE=DATE:20261215\nEND:VTODO\n"
    done = "BEGIN:VTODO\nUID:d\nSUMMARY:Old\nSTATUS:COMPLETED\nEND:VTODO\n"
    old = event("SEQUENCE:1", "DTSTART:20261203T080000Z", "SUMMARY:Old time")
    new = event("SEQUENCE:2", "DTSTART:20261204T080000Z", "SUMMARY:New time")
    assert texts(found(tmp_path, todo, done, new, old)) == [
        "! it is done",
        "To do: Renew my passport, due on 15 December 2026.",
        "New time on 4 December 2026 at 09:00.",
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:20261399T080000Z", "SUMMARY:Bad"),
        ("SUMMARY:No time",),
        ("DTSTART:20261203T080000Z", "SUMMARY:   "),
        ("DTSTART:99991231T235900Z", "DURATION:P9999999D", "SUMMARY:End of time"),
        ("DTSTART:20261203T080000Z", "SUMMARY:x" + "y" * 70_000),
        ("DTSTART;;;=:", "\x02\x01", "SUMMARY"),
    ],
)
def test_a_broken_one_costs_itself_only(tmp_path: Path, lines: tuple[str, ...]) -> None:
    bad, good = found(tmp_path, event(*lines), DENTIST)
    assert isinstance(bad, Skipped)
    assert isinstance(good, Imported)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;COUNT=1000000000",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=999999999",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=HOURLY;BYSECOND=0,1,2",
        "FREQ=MONTHLY;BYDAY=99MO",
    ],
)
def test_mad_rules_take_no_time(tmp_path: Path, rule: str) -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nRRULE:FREQ=SECONDLY\nTZOFFSETFROM:+0100\n"
    zone += "TZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
    (one,) = found(tmp_path, zone, event("DTSTART;TZID=X:00010101T080000", f"RRULE:{rule}", "SUMMARY:Bomb"))
    assert isinstance(one, Imported) and len(one.text) < 200


def test_what_is_no_calendar_is_said_in_one_line(tmp_path: Path) -> None:
    for raw in (b"", b"hello", b"\x00\x01\x02", b"PK\x03\x04zip", b"\xff\xfeB\x00"):
        with pytest.raises(ConfigError) as caught:
            found(tmp_path, raw=raw)
        assert "\n" not in str(caught.value)


def test_other_encodings(tmp_path: Path) -> None:
    whole = "BEGIN:VCALENDAR\n" + event("DTSTART:20261203T080000Z", "SUMMARY:Café") + "END:VCALENDAR\n"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert texts(found(tmp_path, raw=whole.encode(encoding))) == ["Café on 3 December 2026 at 09:00."]


rules = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])},
    optional={
        "INTERVAL": st.integers(1, 4),
        "COUNT": st.integers(1, 60),
        "BYMONTH": st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True),
        "BYMONTHDAY": st.lists(st.integers(1, 31) | st.integers(-5, -1), min_size=1, max_size=3, unique=True),
        "BYDAY": st.lists(st.sampled_from(DAYS), min_size=1, max_size=5, unique=True),
        "WKST": st.sampled_from(DAYS),
    },
)


@settings(max_examples=150)
@given(fields=rules, start=st.dates(date(2025, 1, 1), date(2026, 12, 31)), ahead=st.integers(-30, 300))
def test_days_are_those_of_another_reading_of_the_standard(fields: dict[str, object], start: date, ahead: int) -> None:
    if fields["FREQ"] == "WEEKLY" and "BYMONTHDAY" in fields:
        return  # the standard forbids it
    spelled = ";".join(f"{k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in fields.items())
    since = start + timedelta(days=ahead)
    until = since + timedelta(days=60)
    theirs = rrulestr(spelled, dtstart=datetime(start.year, start.month, start.day))
    low, high = (datetime(day.year, day.month, day.day) for day in (since, until))
    rule = rule_of({k: v if isinstance(v, list) else [v] for k, v in fields.items()}, start)
    assert rule is not None
    assert rule.days(since, until) == [moment.date() for moment in theirs.between(low, high, inc=True)]
    assert rule.words().startswith("every ")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY;BYDAY=TU,TH", "every Tuesday and Thursday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "every second week on Monday"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15", "every month on day 15"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last working day"),
        ("FREQ=YEARLY", "every year on 3 December"),
    ],
)
def test_rules_in_words(tmp_path: Path, rule: str, words: str) -> None:
    (text,) = texts(found(tmp_path, event("DTSTART:20261203T080000Z", f"RRULE:{rule}", "SUMMARY:It")))
    assert text.startswith(f"It {words} at 09:00. It is next on ")
