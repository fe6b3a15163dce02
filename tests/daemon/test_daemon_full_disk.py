"""A disk that is full or read-only under a running house: it lives, says so, and goes on when there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_fakes import frame, until

from perstream.app import App, build
from perstream.config import AlertConfig, BackendConfig, Config
from perstream.daemon import trouble, upkeep
from perstream.errors import StoreError
from perstream.events import AlertRaised, ErrorRaised
from perstream.memory.memory import Memory

FULL = ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823")
"""SQLite takes one page for the least it has: from here on the file cannot grow."""
READ_ONLY = ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setattr(trouble, "CALM_S", 0.0)
    monkeypatch.setattr(upkeep, "PROBE_S", 0.0)
    monkeypatch.setattr(upkeep, "READ_S", 3600.0)  # the test looks itself
    config = Config(store=str(tmp_path), backend=BackendConfig(name="scripted"), alerts=AlertConfig(disk_free_mb=0))
    with build(config) as house:
        yield house


def pragma(app: App, statement: str) -> None:
    with app._memory._store.alone() as connection:
        connection.execute(statement).fetchall()


def tell_until_it_fails(app: App) -> list[int]:
    """Facts that were acknowledged before the disk was full."""
    told: list[int] = []
    with pytest.raises(StoreError, match=r"free some disk space|check the rights"):
        for number in range(5000):
            told.append(app.tell(f"fact {number}: " + "x" * 2000).id)
    return told


@pytest.mark.parametrize(("broken", "mended"), [FULL, READ_ONLY], ids=["full", "read-only"])
def test_it_says_so_lives_and_goes_on_when_there_is_room(app: App, tmp_path: Path, broken: str, mended: str) -> None:
    events = app.subscribe()
    kept = [app.tell(f"before {n}").id for n in range(3)]
    assert app.alerts() == []
    pragma(app, broken)
    kept += tell_until_it_fails(app)
    app._upkeep._look_for_alerts()
    (alert,) = app.alerts()
    assert alert.rule == "store_errors" and alert.urgent and "not stored" in alert.text
    assert app.status().alerts == (alert,) and app.status().memory.memories == len(kept)
    assert app.ask("before").question == "before"  # reading goes on
    with pytest.raises(StoreError):
        for number in range(5000):
            app.tell(f"still {number}: " + "x" * 2000)
    pragma(app, mended)
    kept.append(app.tell("after").id)
    until(lambda: app._upkeep._look_for_alerts() or app.alerts() == [])
    told = [event for event in iter(lambda: events.get(0), None) if isinstance(event, AlertRaised)]
    assert [event.active for event in told] == [True, False]
    app.close()
    with Memory.open(tmp_path, app.config.memory, app._backend.embedder.embed) as again:
        there = {record.id for record in again.list(limit=10_000)}
        assert set(kept) <= there


def test_a_camera_that_is_watched_meanwhile_goes_on(app: App) -> None:
    events = app.subscribe()
    pragma(app, READ_ONLY[0])
    camera = app.feed("phone")
    worker = app._worker

    def fails() -> None:
        app._memory.remember(None)  # type: ignore[arg-type]

    from perstream.daemon.worker import Priority

    worker.submit(Priority.PERCEPT, fails, source="phone")
    until(lambda: worker.trouble.count > 0)
    assert any(
        isinstance(event, ErrorRaised) and event.source == "phone" for event in iter(lambda: events.get(0), None)
    )
    assert camera.live and frame(0) and app.sources()[0].state.value in ("running", "restarting")
    pragma(app, READ_ONLY[1])
    assert app.tell("fine again").id


def test_closing_on_a_full_disk_lets_the_store_go(app: App, tmp_path: Path) -> None:
    app.tell("Anna likes tea")
    app.ask("Anna")
    pragma(app, READ_ONLY[0])
    app.close()
    app.close()
    with Memory.open(tmp_path, app.config.memory, app._backend.embedder.embed) as again:
        assert again.count() == 1
