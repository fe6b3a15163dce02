"""What counts as a reminder with a time, and when it is due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from perstream.reminders import EVERY_DAY, WORK_DAYS, Reminder, following, is_timed, reminder_in

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2026, 5, 12, 14, 0, tzinfo=ZONE)  # a Tuesday


def found(text: str) -> tuple[str, str] | None:
    reminder = reminder_in(text, NOW)
    return None if reminder is None else (reminder.action, f"{reminder.due.astimezone(ZONE):%d.%m. %H:%M}")


@pytest.mark.parametrize(
    ("text", "action", "due"),
    [
        ("Remind me at 5 pm to call Anna.", "call Anna", "12.05. 17:00"),
        ("Remind me to call the bank at 22:10.", "call the bank", "12.05. 22:10"),
        ("remind me at 5 to leave", "leave", "12.05. 17:00"),
        ("remind me at five to leave", "leave", "12.05. 17:00"),
        ("Remind me at half past five to go", "go", "12.05. 17:30"),
        ("remind me at quarter to eight tomorrow to run", "run", "13.05. 07:45"),
        ("remind me in 20 minutes to take the cake out", "take the cake out", "12.05. 14:20"),
        ("remind me in an hour and a half to go", "go", "12.05. 15:30"),
        ("Remind me tomorrow at 9 to water the plants", "water the plants", "13.05. 09:00"),
        ("remind me tomorrow evening about the film", "the film", "13.05. 18:00"),
        ("Don't let me forget to ring Tom tonight", "ring Tom", "12.05. 20:00"),
        ("remind me tonight at 8 to call", "call", "12.05. 20:00"),
        ("Remind me to pay rent on 3 June at 10am", "pay rent", "03.06. 10:00"),
        ("remind me in two weeks to renew my passport", "renew my passport", "26.05. 09:00"),
        ("Remind me next Monday at 8 o'clock that the car needs petrol", "the car needs petrol", "18.05. 08:00"),
        ("Remember to call Anna at 5.", "call Anna", "12.05. 17:00"),
        ("set a timer for 10 minutes", "it is time", "12.05. 14:10"),
        ("Set an alarm for 7 am", "it is time", "13.05. 07:00"),
        ("remind me this afternoon to call", "call", "12.05. 14:30"),
    ],
)
def test_once(text: str, action: str, due: str) -> None:
    assert found(text) == (action, due)
    assert is_timed(text)


@pytest.mark.parametrize(
    "text",
    [
        "remind me to buy milk when I see the supermarket",
        "Remind me to give back the drill when I talk to Tom at 5 pm.",
        "remind me to buy milk",
        "I have a meeting at 5 pm",
        "remind me to buy 2 tickets for the 5 pm show",
        "remind me to call the dentist about my 9 am appointment",
        "remind me at platform 5 to wave",
        "remind me yesterday at 5 pm to go",
        "remind me at 25:70 to go",
        "remind me in " + "9" * 400 + " minutes",
        "remind me " + "at " * 5000,
        "",
    ],
)
def test_no_reminder_with_a_time(text: str) -> None:
    assert found(text) is None


def test_again_and_again() -> None:
    monday = reminder_in("Remind me every Monday to put the bins out", NOW)
    assert monday == Reminder("put the bins out", datetime(2026, 5, 18, 7, 0, tzinfo=timezone.utc), 1)
    late = datetime(2026, 6, 3, 12, 0, tzinfo=ZONE)
    assert following(monday.due, monday.weekdays, 0, late) == datetime(2026, 6, 8, 7, 0, tzinfo=timezone.utc)
    work = reminder_in("Every weekday at 7:30 remind me to stretch", NOW)
    assert work is not None and work.weekdays == WORK_DAYS and work.action == "stretch"
    daily = reminder_in("remind me to take my pills at 8 pm every day", NOW)
    assert daily is not None and daily.weekdays == EVERY_DAY and daily.action == "take my pills"
    hours = reminder_in("remind me every 2 hours to drink water", NOW)
    assert hours is not None and hours.step_s == 7200
    assert following(hours.due, 0, 7200, NOW + timedelta(hours=7)) == (NOW + timedelta(hours=8))
    assert following(NOW, 0, 0, NOW) is None


def test_a_zone_is_needed() -> None:
    with pytest.raises(ValueError, match="timezone"):
        reminder_in("remind me at 5", datetime(2026, 1, 1))
