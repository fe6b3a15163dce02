"""Alerts: rules over a reading, and what becomes of what they find."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from perstream.config_upkeep import AlertConfig
from perstream.daemon.alert_rules import Finding, LiveReading, Reading, findings, span
from perstream.daemon.alerts import AGAIN_S, MOST_KNOWN, Alerts
from perstream.daemon.bus import EventBus
from perstream.daemon.delivery import Courier, Delivery
from perstream.daemon.delivery_desktop import DesktopChannel
from perstream.daemon.status import SourceState
from perstream.daemon.upkeep_state import BackupStatus, Stuck
from perstream.events import AlertRaised
from perstream.jsonlines import event_to_json

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
CONFIG = AlertConfig()
FULL = Finding("disk_low", "/store", "only 3 MB are free where /store is: free some, or memories are lost")
GONE = Finding("source_gone", "cam", "cam has sent nothing for 3 min: check its cable")


def found(reading: Reading, *active: tuple[str, str], config: AlertConfig = CONFIG) -> list[tuple[str, str]]:
    return [finding.key for finding in findings(reading, config, NOON, frozenset(active))]


def test_a_house_that_is_well_has_none() -> None:
    live = LiveReading("cam", SourceState.RUNNING, 3.0, 1000, 0.4)
    backup = BackupStatus(24, "/b", NOON - timedelta(hours=20), 3)
    assert found(Reading((live,), {"/store": 9000.0}, 50, 0, 0, 0.3, backup)) == []


@pytest.mark.parametrize(
    ("state", "silent_s", "gone"),
    [
        (SourceState.RUNNING, 119.0, False),
        (SourceState.RUNNING, 121.0, True),
        (SourceState.RESTARTING, 121.0, True),
        (SourceState.PAUSED, 9999.0, False),
        (SourceState.ENDED, 9999.0, False),
        (SourceState.FAILED, 0.0, True),
    ],
)
def test_a_source_is_gone(state: SourceState, silent_s: float, gone: bool) -> None:
    reading = Reading((LiveReading("cam", state, silent_s, error="no route to host"),))
    assert found(reading) == ([("source_gone", "cam")] if gone else [])
    if gone:
        (finding,) = findings(reading, CONFIG, NOON)
        assert "no route to host" in finding.text and "\n" not in finding.text


def test_limits_are_easier_to_come_back_from_than_to_reach() -> None:
    disk = ("disk_low", "/store")
    assert found(Reading(free_mb={"/store": 499.0})) == [disk]
    assert found(Reading(free_mb={"/store": 501.0})) == []
    assert found(Reading(free_mb={"/store": 501.0}), disk) == [disk]
    assert found(Reading(free_mb={"/store": 551.0}), disk) == []
    budget = ("budget", "disk")
    assert found(Reading(disk_mb=95, disk_budget_mb=100)) == [budget]
    assert found(Reading(disk_mb=94, disk_budget_mb=100)) == []
    assert found(Reading(disk_mb=94, disk_budget_mb=100), budget) == [budget]
    assert found(Reading(disk_mb=90, disk_budget_mb=100), budget) == []
    assert found(Reading(disk_mb=1e6)) == []  # no budget
    slow = Reading((LiveReading("cam", SourceState.RUNNING, 0.0, 30, 4.5),))
    assert found(slow) == [] and found(slow, ("latency", "cam")) == [("latency", "cam")]
    few = Reading((LiveReading("cam", SourceState.RUNNING, 0.0, 3, 50.0),))
    assert found(few) == []


def test_budgets_of_memory_and_of_the_model_server() -> None:
    assert found(Reading(ram_over_mb=0.5)) == [] and found(Reading(ram_over_mb=5)) == [("budget", "ram")]
    assert found(Reading(server_spent=0.96)) == [("budget", "model server")]


def test_a_backup_is_overdue() -> None:
    def of(**changes: object) -> list[tuple[str, str]]:
        return found(Reading(backup=replace(BackupStatus(24, "/b"), **changes)))  # type: ignore[arg-type]

    assert of(newest=NOON - timedelta(hours=71)) == []
    assert of(newest=NOON - timedelta(hours=73)) == [("backup_overdue", "")]
    assert of(newest=NOON - timedelta(hours=73), every_h=0.0) == []  # none are made
    assert of(newest=NOON - timedelta(hours=100), every_h=168.0) == []  # it is not due yet
    assert of(failed=2) == [] and of(failed=3, last_error="the disk is full") == [("backup_overdue", "")]


def test_what_hangs_what_cannot_be_stored_and_a_clock_that_was_set() -> None:
    stuck = tuple(Stuck(kind, who, "step", 70) for kind, who in (("assistant", ""), ("perceive", "cam"), ("chore", "backup"), ("deliver", "webhook")))  # fmt: skip
    reading = Reading(stuck=stuck, trouble="cannot write: disk full: free some", clock_jump_s=-7200.0)
    texts = [finding.text for finding in findings(reading, CONFIG, NOON)]
    assert texts[0].startswith("the assistant hung for 70 s")
    assert texts[1].startswith("perception of cam hung") and texts[3].startswith("the delivery by webhook")
    assert texts[4] == "new memories are not stored: cannot write: disk full: free some"
    assert texts[5].startswith("the clock was set back by 2 h")
    assert len({finding.key for finding in findings(reading, CONFIG, NOON)}) == 6


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "5 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (4 * 86400, "4 days")]
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


class Room:
    """Alerts with a clock and a wish for quiet, and what came of them."""

    def __init__(self, **config: float) -> None:
        self.now, self.quiet = 0.0, False
        self.told: list[AlertRaised] = []
        self.brought: list[AlertRaised] = []
        self.alerts = Alerts(
            AlertConfig(**config),  # type: ignore[arg-type]
            self.told.append,
            self.brought.append,
            lambda: self.quiet,
            lambda: self.now,
        )

    def at(self, seconds: float, *here: Finding) -> None:
        self.now = seconds
        self.alerts.update(here, NOON + timedelta(seconds=seconds))


def test_one_is_raised_once_said_again_while_it_lasts_and_ends() -> None:
    room = Room(repeat_h=2)
    for seconds in range(0, 3 * 3600, 60):
        room.at(seconds, GONE)
    assert [event.active for event in room.told] == [True, True] == [event.active for event in room.brought]
    (alert,) = room.alerts.active
    assert (alert.rule, alert.subject, alert.since, alert.urgent) == ("source_gone", "cam", NOON, False)
    room.at(3 * 3600)
    assert room.alerts.active == () and room.told[-1].active is False and room.brought[-1].active is False
    assert event_to_json(room.told[-1])["event"] == "alert"


def test_one_that_comes_and_goes_is_told_each_time_and_brought_once_an_hour() -> None:
    room = Room()
    for round_ in range(100):
        room.at(round_ * 60, GONE)
        room.at(round_ * 60 + 30)
    assert len(room.told) == 200
    assert sum(event.active for event in room.brought) == 1 + int(99 * 60 // AGAIN_S)


def test_in_quiet_times_only_what_is_urgent_is_brought_and_the_rest_when_they_end() -> None:
    room = Room()
    room.quiet = True
    room.at(0, GONE, FULL)
    room.at(60, GONE, FULL)
    assert [event.rule for event in room.brought] == ["disk_low"] and len(room.told) == 2
    room.quiet = False
    room.at(120, GONE, FULL)
    assert [event.rule for event in room.brought] == ["disk_low", "source_gone"]
    room.quiet = True
    room.at(240, FULL, Finding("latency", "cam", "slow"))
    room.at(300, FULL)
    room.quiet = False
    room.at(360, FULL)
    assert "latency" not in {event.rule for event in room.brought}  # it was over before anybody could be told


def test_its_text_is_the_newest_and_its_begin_the_first() -> None:
    room = Room()
    room.at(0, GONE)
    room.at(60, replace(GONE, text="cam has sent nothing for 4 min"))
    (alert,) = room.alerts.active
    assert alert.text.endswith("4 min") and alert.since == NOON and len(room.told) == 1


def test_what_is_over_is_not_remembered_for_ever() -> None:
    room = Room()
    for number in range(MOST_KNOWN + 50):
        room.at(number, Finding("source_gone", f"cam {number}", "gone"))
    assert len(room.alerts._known) <= MOST_KNOWN + 1


def test_alerts_go_the_ways_that_words_go(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    got: list[tuple[str, object]] = []

    class Way:
        def __init__(self, name: str) -> None:
            self.name = name

        def deliver(self, word: object) -> None:
            got.append((self.name, word))

    delivery = Delivery([Way("desktop"), Way("webhook")], EventBus().listen)
    raised = AlertRaised(NOON, None, None, "disk_low", "/store", "free some", True)
    delivery.alert(raised)
    delivery.alert(replace(raised, active=False))
    assert all(isinstance(one, Courier) for one in delivery.couriers)
    delivery.close(5)
    assert sorted(name for name, _ in got) == ["desktop", "webhook", "webhook"]
    calls: list[list[str]] = []
    monkeypatch.setattr("perstream.daemon.delivery_desktop.run", lambda arguments, timeout: calls.append(arguments))
    DesktopChannel("/usr/bin/notify-send").deliver(raised)
    assert "--urgency=critical" in calls[0] and calls[0][-2:] == ["free some", "PerStream: disk_low"]
    DesktopChannel("/usr/bin/notify-send").deliver(replace(raised, rule="latency"))
    assert "--urgency=normal" in calls[1]
