"""Retention in a running house: what goes, what stays, and that no file keeps any of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from perstream.app import App, build
from perstream.config import BackendConfig, Config
from perstream.config_privacy import EncryptionConfig, PrivacyConfig
from perstream.config_upkeep import BackupConfig
from perstream.daemon.worker import Priority
from perstream.errors import ConfigError
from perstream.events import Event, Forgotten
from perstream.privacy.calendar import FILE
from perstream.types import Gap, NewMemory, Provenance, Selector

NOW = datetime.now(timezone.utc)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def settings(store: Path, *rules: str, sealed: bool = False) -> Config:
    return Config(
        encryption=EncryptionConfig(enabled=sealed, key_from="file", key_file=str(store.parent / "key")),
        store=str(store),
        backend=BackendConfig(name="scripted"),
        privacy=PrivacyConfig(retention=rules),
        backup=BackupConfig(every_h=0),
    )


def keep(
    app: App, text: str, age: timedelta, source: str = "porch", category: str = "notes", pinned: bool = False
) -> int:
    """A memory that was seen so long ago."""
    at = NOW - age
    new = NewMemory(
        text,
        category,
        Provenance.SEEN,
        at,
        at + timedelta(seconds=4),
        app._backend.embedder.embed_tokens(text),
        source=source,
        thumbnail=b"\xff\xd8" + text.encode() + b"\xff\xd9",
        pinned=pinned,
    )
    return app._worker.submit(Priority.TOLD, lambda: app._memory.remember(new)).result().id


def run(app: App) -> None:
    """As the chore does."""
    app._aging.run()


def texts(app: App) -> set[str]:
    return {one.text for one in app.memories(limit=1000)}


def residue(store: Path, words: Sequence[str]) -> list[str]:
    return [
        f"{word} in {path.name}"
        for path in store.rglob("*")
        if path.is_file()
        for word in words
        if word.encode() in path.read_bytes()
    ]


def test_the_shortest_time_counts_pinned_ones_and_gaps_stay_and_no_file_keeps_any(tmp_path: Path) -> None:
    store = tmp_path / "store"
    events: list[Event] = []
    with build(settings(store)) as app:
        keep(app, "ancient oak", 400 * DAY)
        keep(app, "pinned maple", 400 * DAY, pinned=True)
        keep(app, "browsed willow", 31 * DAY, category="browsing")
        keep(app, "fresh willow", 29 * DAY, category="browsing")
        keep(app, "webcam birch", 13 * HOUR, source="webcam:0")
        keep(app, "webcam elm", 11 * HOUR, source="webcam:0")
        keep(app, "porch pine", 13 * HOUR)
        app._memory.record_gap(Gap("webcam:0", 0, 60, NOW - 500 * DAY, NOW - 499 * DAY, "paused"))
        backup = app._memory.backup()
        elsewhere = app._memory.backup(tmp_path / "elsewhere.db")
    assert residue(store, ["ancient oak"]), "the test would see it"
    with build(settings(store, "*=365d", "category:browsing=30d", "source:webcam:0=12h")) as app:
        app.bus.listen(events.append)
        report = app.retention()
        assert [(one.rule, one.memories) for one in report.rules] == [
            ("source:webcam:0=12h", 1),
            ("category:browsing=30d", 1),
            ("*=365d", 1),
        ]
        assert report.dry_run and len(texts(app)) == 7
        run(app)
        assert texts(app) == {"pinned maple", "fresh willow", "webcam elm", "porch pine"}
        assert len(app.gaps()) == 1
        assert sorted(i for e in events if isinstance(e, Forgotten) for i in e.ids) == [1, 3, 5]
        gone = ["ancient oak", "browsed willow", "webcam birch"]
        assert residue(store, gone) == [] and residue(elsewhere.parent, gone) == []
        assert backup.exists() and app.retention().rules[0].memories == 0


def test_a_clock_that_jumps_ahead_wipes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with build(settings(tmp_path, "*=30d")) as app:
        keep(app, "yesterday", DAY)
        run(app)
        later = datetime.now(timezone.utc) + 3650 * DAY
        monkeypatch.setattr(app._aging._calendar, "_now", lambda: later)
        run(app)
        run(app)
        assert texts(app) == {"yesterday"}
        assert json.loads((tmp_path / FILE).read_text())["doubted_s"] is not None
        app.retention(dry_run=False)  # the owner's word
        assert texts(app) == set()


def test_a_crash_between_deleting_and_clearing_leaves_nothing_either(tmp_path: Path) -> None:
    with build(settings(tmp_path, "*=30d")) as app:
        keep(app, "ancient oak", 40 * DAY)
        backup = app._memory.backup()
        app._worker.submit(Priority.TOLD, lambda: app._memory.ages.forget([1])).result()
        assert b"ancient oak" in backup.read_bytes()
    with build(settings(tmp_path)):
        pass
    assert residue(tmp_path, ["ancient oak"]) == []


def test_an_encrypted_store_gives_up_what_has_had_its_time_too(tmp_path: Path) -> None:
    pytest.importorskip("sqlcipher3", reason="pip install 'perstream[crypt]'")
    with build(settings(tmp_path / "store", "*=30d", sealed=True)) as app:
        keep(app, "ancient oak", 40 * DAY)
        keep(app, "young oak", DAY)
        app._memory.backup()
        report = app.retention(dry_run=False)
        assert (report.removed, report.finished) == (1, True)
        assert texts(app) == {"young oak"}
    assert residue(tmp_path / "store", ["oak"]) == []


def test_a_question_interrupts_the_rebuilding_and_it_is_taken_up_again(tmp_path: Path) -> None:
    with build(settings(tmp_path, "*=30d")) as app:
        for number in range(60):
            keep(app, f"ancient oak {number} " + "leaves " * 200, 40 * DAY)
        ages, worker = app._memory.ages, app._worker
        worker.submit(Priority.TOLD, lambda: ages.forget(range(1, 30))).result()
        assert not worker.submit(Priority.TOLD, lambda: ages.rebuild(lambda: False)).result(), "backups come first"
        ages.clear_backups()
        looks = iter([False, *[True] * 1000])
        assert not worker.submit(Priority.TOLD, lambda: ages.rebuild(lambda: next(looks))).result()
        assert len(texts(app)) == 31, "the file is as it was"
        assert worker.submit(Priority.TOLD, lambda: ages.rebuild(lambda: False)).result()
        worker.submit(Priority.TOLD, lambda: ages.forget([30])).result()
        assert not worker.submit(Priority.TOLD, ages.strike).result(), "more was deleted meanwhile"
        app.forget(Selector(ids=(31,)))
        assert worker.submit(Priority.TOLD, ages.strike).result(), "ordinary forgetting does all at once"
        assert residue(tmp_path, ["oak 28 ", "oak 29 ", "oak 30 "]) == []


def test_rules_that_are_none_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="retention"):
        build(settings(tmp_path, "*=soon"))


def test_without_rules_there_is_no_chore(tmp_path: Path) -> None:
    with build(settings(tmp_path)) as app:
        assert app._aging.chores == () and app.retention().rules == ()
        assert app.retention(dry_run=False).removed == 0
