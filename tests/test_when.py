"""Time expressions, each against a known now: Wednesday 10 May 2023, 15:30 at +02:00."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from perstream.when import spans

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2023, 5, 10, 15, 30, tzinfo=ZONE)

DAYS = [
    ("What did I read today?", "2023-05-10", "2023-05-11"),
    ("yesterday I met Anna", "2023-05-09", "2023-05-10"),
    ("I will call her tomorrow", "2023-05-11", "2023-05-12"),
    ("the day before yesterday", "2023-05-08", "2023-05-09"),
    ("the day after tomorrow", "2023-05-12", "2023-05-13"),
    ("What did she say last Tuesday?", "2023-05-09", "2023-05-10"),
    ("last Wednesday", "2023-05-03", "2023-05-04"),
    ("What did I buy on Monday?", "2023-05-08", "2023-05-09"),
    ("next Friday", "2023-05-12", "2023-05-13"),
    ("next Wednesday", "2023-05-17", "2023-05-18"),
    ("The dentist appointment is on Monday", "2023-05-15", "2023-05-16"),
    ("We will meet on Monday", "2023-05-15", "2023-05-16"),
    ("on Fri", "2023-05-05", "2023-05-06"),
    ("Where was I on 7 May 2023?", "2023-05-07", "2023-05-08"),
    ("on May 7th, 2022", "2022-05-07", "2022-05-08"),
    ("the 7th of May", "2023-05-07", "2023-05-08"),
    ("Dec 25", "2022-12-25", "2022-12-26"),
    ("The deadline is due 25 December", "2023-12-25", "2023-12-26"),
    ("2023-05-07", "2023-05-07", "2023-05-08"),
    ("7.5.2023", "2023-05-07", "2023-05-08"),
    ("two days ago", "2023-05-08", "2023-05-09"),
    ("a few days ago", "2023-05-07", "2023-05-08"),
    ("29 February 2024", "2024-02-29", "2024-03-01"),
    ("last week", "2023-05-01", "2023-05-08"),
    ("this week", "2023-05-08", "2023-05-15"),
    ("next week", "2023-05-15", "2023-05-22"),
    ("two weeks ago", "2023-04-24", "2023-05-01"),
    ("I leave in two weeks.", "2023-05-22", "2023-05-29"),
    ("last weekend", "2023-05-06", "2023-05-08"),
    ("this weekend", "2023-05-13", "2023-05-15"),
    ("two weekends ago", "2023-04-29", "2023-05-01"),
    ("What did I eat in May?", "2023-05-01", "2023-06-01"),
    ("in June", "2022-06-01", "2022-07-01"),
    ("We will travel in June", "2023-06-01", "2023-07-01"),
    ("last May", "2022-05-01", "2022-06-01"),
    ("in March 2021", "2021-03-01", "2021-04-01"),
    ("last month", "2023-04-01", "2023-05-01"),
    ("next month", "2023-06-01", "2023-07-01"),
    ("three months ago", "2023-02-01", "2023-03-01"),
    ("in 2022", "2022-01-01", "2023-01-01"),
    ("last year", "2022-01-01", "2023-01-01"),
    ("10 years ago", "2013-01-01", "2014-01-01"),
    ("the summer of 2021", "2021-06-01", "2021-09-01"),
    ("last fall", "2022-09-01", "2022-12-01"),
]

HOURS = [
    ("this morning", "2023-05-10T05:00", "2023-05-10T12:00"),
    ("this afternoon", "2023-05-10T12:00", "2023-05-10T18:00"),
    ("tonight", "2023-05-10T20:00", "2023-05-11T06:00"),
    ("last night", "2023-05-09T20:00", "2023-05-10T06:00"),
    ("yesterday evening", "2023-05-09T17:00", "2023-05-09T23:00"),
    ("on Monday morning", "2023-05-08T05:00", "2023-05-08T12:00"),
    ("before lunch", "2023-05-10T05:00", "2023-05-10T12:30"),
    ("after lunch", "2023-05-10T13:00", "2023-05-10T18:00"),
    ("at 9:40", "2023-05-10T09:40", "2023-05-10T09:41"),
    ("at 9.40 pm", "2023-05-10T21:40", "2023-05-10T21:41"),
    ("at 5 pm", "2023-05-10T17:00", "2023-05-10T18:00"),
    ("at 12 am", "2023-05-10T00:00", "2023-05-10T01:00"),
    ("5 o'clock", "2023-05-10T05:00", "2023-05-10T06:00"),
    ("at noon", "2023-05-10T12:00", "2023-05-10T13:00"),
    ("yesterday at 5 pm", "2023-05-09T17:00", "2023-05-09T18:00"),
    ("at 9:40 on Monday", "2023-05-08T09:40", "2023-05-08T09:41"),
    ("Tomorrow, around 14:30", "2023-05-11T14:30", "2023-05-11T14:31"),
    ("an hour ago", "2023-05-10T14:15", "2023-05-10T14:45"),
    ("twenty minutes ago", "2023-05-10T15:05", "2023-05-10T15:15"),
    ("in the past hour", "2023-05-10T14:30", "2023-05-10T15:30"),
    ("in the last three days", "2023-05-07T15:30", "2023-05-10T15:30"),
    ("since Monday", "2023-05-08T00:00", "2023-05-10T15:30"),
    ("before 5 pm", "2023-05-10T00:00", "2023-05-10T17:00"),
    ("after 3 pm", "2023-05-10T15:00", "2023-05-11T00:00"),
]

NO_TIME = [
    "",
    "May I come in?",
    "you may be right",
    "It may rain and may not.",
    "a second opinion",
    "Wait a second, please",
    "the second door on the left",
    "we march on",
    "I sat in the sun",
    "now what?",
    "every Tuesday",
    "I have 2023 friends",
    "31 February",
    "at 25:00",
    "in two minds",
    "the day is long",
    "I fall asleep",
    "spring onions",
    "version 3.11.7",
    "🙂",
]


@pytest.mark.parametrize(("text", "since", "until"), DAYS)
def test_days_and_longer(text: str, since: str, until: str) -> None:
    (when,) = spans(text, NOW)
    assert when.since == datetime.fromisoformat(since).replace(tzinfo=ZONE)
    assert when.until == datetime.fromisoformat(until).replace(tzinfo=ZONE)


@pytest.mark.parametrize(("text", "since", "until"), HOURS)
def test_times_of_day(text: str, since: str, until: str) -> None:
    (when,) = spans(text, NOW)
    assert when.since == datetime.fromisoformat(since).replace(tzinfo=ZONE)
    assert when.until == datetime.fromisoformat(until).replace(tzinfo=ZONE)


@pytest.mark.parametrize("text", NO_TIME)
def test_words_that_only_may_be_times(text: str) -> None:
    assert spans(text, NOW) == ()


def test_result_is_utc_with_the_words_as_written() -> None:
    (when,) = spans("What was on the board Yesterday at 5 PM?", NOW)
    assert when.since.tzinfo is timezone.utc
    assert (when.since.hour, when.grain, when.words) == (15, "hour", "Yesterday at 5 PM")


def test_several_times_in_the_order_of_the_text() -> None:
    first, second = spans("I saw her last week and again yesterday", NOW)
    assert (first.grain, second.grain) == ("week", "day")
    assert first.since < second.since


def test_just_now_ends_now() -> None:
    (when,) = spans("What was that just now?", NOW)
    assert when.since < NOW <= when.until <= NOW + timedelta(seconds=1)


def test_prefer_decides_what_the_sentence_leaves_open() -> None:
    (past,) = spans("on Monday", NOW, prefer="past")
    (future,) = spans("on Monday", NOW, prefer="future")
    assert future.since - past.since == timedelta(days=7)


def test_a_weekday_named_on_that_day_is_today() -> None:
    (when,) = spans("What did I do on Wednesday?", NOW)
    assert when.since == datetime(2023, 5, 10, tzinfo=ZONE)


def test_days_follow_the_clock_change() -> None:
    now = datetime(2023, 3, 27, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    (when,) = spans("yesterday", now)
    assert when.until - when.since == timedelta(hours=23)


def test_now_without_timezone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        spans("today", datetime(2023, 5, 10))


def test_a_very_long_text_is_cut_and_cheap() -> None:
    assert spans("word " * 200_000 + "yesterday", NOW) == ()
    assert spans("99999999 years ago and 9999 years ago", NOW) == ()
