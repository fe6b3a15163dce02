"""Rules of how long memories are kept, and which date they are judged by."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from perstream.errors import ConfigError
from perstream.privacy.calendar import FILE, Calendar
from perstream.privacy.retention import rules_of

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
NO_RULES = (
    *("", "*", "*=", "*=12", "*=h", "*=-1d", "*=0d", "*=1e3d", "*=12 months", "=1d", "category:=1d"),
    *("category:nonsense=1d", "provenance:dreamt=1d", "colour:red=1d", "webcam:0=1d"),
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_rules_are_read_shortest_first() -> None:
    rules = rules_of(
        ["*=1y", "category:browsing = 30D", "source:webcam:0=12h", "provenance:heard=1.5w", "source:a=b=90m"]
    )
    assert [(r.kind, r.value, r.keep) for r in rules] == [
        ("source", "a=b", timedelta(minutes=90)),
        ("source", "webcam:0", timedelta(hours=12)),
        ("provenance", "heard", timedelta(days=10.5)),
        ("category", "browsing", timedelta(days=30)),
        ("everything", "", timedelta(days=365.25)),
    ]


@pytest.mark.parametrize("entry", NO_RULES)
def test_what_is_no_rule_is_refused_with_its_words(entry: str) -> None:
    with pytest.raises(ConfigError, match="retention") as refused:
        rules_of(["*=1y", entry] if entry[:2] != "*=" else [entry])
    assert repr(entry) in str(refused.value)


def test_two_rules_for_the_same_are_a_mistake() -> None:
    with pytest.raises(ConfigError, match="second rule"):
        rules_of(["*=1d", "*=2d"])


class World:
    """A wall clock that anybody can set and a running clock that nobody can."""

    def __init__(self, folder: Path, newest: datetime | None = None) -> None:
        self.folder, self.newest = folder, newest
        self.wall, self.run_s = NOON, 1000.0
        self.start()

    def start(self) -> None:
        """Another run of the house."""
        self.calendar = Calendar(self.folder, lambda: self.newest, lambda: self.wall, lambda: self.run_s)

    def live(self, time: timedelta) -> None:
        self.wall += time
        self.run_s += time.total_seconds()

    @property
    def believed(self) -> bool:
        return self.calendar.today() == self.wall


def test_ordinary_days_are_believed(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.believed
    for _ in range(50):
        world.live(HOUR)
        assert world.believed
    world.start()  # on the next morning
    world.wall += 0.6 * DAY
    assert world.believed
    world.start()  # after a week's holiday
    world.wall += 6 * DAY
    assert world.believed
    world.live(40 * DAY)  # asleep: the running clock went on
    assert world.believed
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_clock_that_jumps_years_ahead_is_not_believed_before_it_has_held_for_a_day(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.believed
    world.live(HOUR)
    world.wall += 3650 * DAY
    for _ in range(24):
        assert not world.believed
        world.live(HOUR)
    assert world.believed


def test_a_jump_before_the_start_is_doubted_too_and_a_restart_does_not_shorten_that(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.believed
    world.wall += 365 * DAY
    for _ in range(5):
        world.start()
        assert not world.believed
        world.live(4 * HOUR)
        assert not world.believed
    world.start()
    assert not world.believed
    world.live(4 * HOUR)
    assert world.believed, "24 hours were lived through in six runs"


def test_a_clock_that_is_put_right_again_is_believed_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.believed
    world.wall += 365 * DAY
    assert not world.believed
    world.live(HOUR)
    world.wall -= 365 * DAY
    assert world.believed
    world.live(HOUR)
    world.wall += 365 * DAY  # and it jumps again: the doubt begins anew
    assert not world.believed


def test_a_jump_back_is_believed_and_the_jump_ahead_after_it_is_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.believed
    world.wall -= 365 * DAY
    assert world.believed
    world.wall += 365 * DAY
    assert not world.believed


def test_jumps_while_doubted_begin_the_day_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.believed
    world.wall += 100 * DAY
    assert not world.believed
    world.live(20 * HOUR)
    assert not world.believed
    world.wall += 100 * DAY
    assert not world.believed
    world.live(20 * HOUR)
    assert not world.believed


def test_the_owner_may_vouch_for_the_clock(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.believed
    world.wall += 3650 * DAY
    assert not world.believed
    assert world.calendar.confirm() == world.wall
    assert world.believed and world.calendar.believes(world.wall)


def test_without_a_note_the_newest_memory_counts(tmp_path: Path) -> None:
    assert not World(tmp_path / "a", newest=NOON - 30 * DAY).believed
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / FILE).write_text("{broken")
    assert World(tmp_path / "b", newest=NOON - DAY).believed
    assert World(tmp_path, newest=None).believed, "an empty store has nothing to lose"
