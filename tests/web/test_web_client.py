from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from web_fakes import JPEG, NOON, ScriptedHouse

from perstream.errors import BackendUnavailable, ConfigError, NotFound, PerStreamError, StoreError
from perstream.events import MemoryStored, ProactiveSaid
from perstream.jsonlines import evidence_of
from perstream.types import Provenance, Selector, Triplet
from perstream.web.address import DaemonAddress, find_daemon, read_address, store_id, write_address
from perstream.web.client import Client
from perstream.web.server import Server


def test_asking_gives_what_the_house_gives(client: Client, house: ScriptedHouse) -> None:
    reply = client.ask("Which platform?", now=NOON)
    assert reply == house.ask("Which platform?")
    assert house.asked[0] == ("Which platform?", NOON)


def test_an_answer_can_be_heard_while_it_is_made(client: Client, house: ScriptedHouse) -> None:
    pieces: list[str] = []
    assert client.ask("Which platform?", say=pieces.append) == house.ask("Which platform?")
    assert pieces == ["Platform ", "4."]


def test_errors_come_back_as_themselves(client: Client, house: ScriptedHouse) -> None:
    house.error = StoreError("the disk is full")
    with pytest.raises(StoreError, match="the disk is full"):
        client.tell("anything")
    house.error = BackendUnavailable("no model")
    with pytest.raises(BackendUnavailable, match="no model"):
        client.ask("anything", say=lambda piece: None)
    with pytest.raises(NotFound):
        client.memory(99)
    with pytest.raises(ConfigError):
        client.forget(Selector())
    with pytest.raises(PerStreamError, match="4,000"):
        client.ask("x" * 5000)


def test_memories_told_listed_and_forgotten(client: Client, house: ScriptedHouse) -> None:
    told = client.tell("I am allergic to peanuts", at=NOON)
    assert (told.id, told.provenance, told.text) == (8, Provenance.TOLD, "I am allergic to peanuts")
    assert client.memories(limit=3) == [house.records[n] for n in (8, 7, 6)]
    assert client.memory(3) == house.records[3]
    assert client.entities_of(3) == ("sign", "PLATFORM 4")
    assert client.thumbnail(3) == JPEG and client.thumbnail(8) is None
    with pytest.raises(NotFound):
        client.thumbnail(99)
    assert client.forget(Selector(ids=(8,)), dry_run=True).dry_run
    assert client.forget(Selector(ids=(8,))).memory_ids == (8,)
    assert 8 not in house.records
    client.pin(3)


def test_many_memories_are_fetched_in_pages(
    client: Client, house: ScriptedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perstream.web.memory_client.PAGE", 2)
    assert [memory.id for memory in client.memories(limit=5)] == [7, 6, 5, 4, 3]
    assert [memory.id for memory in client.memories()] == [7, 6, 5, 4, 3, 2, 1]
    client.memories(since=NOON, provenance=Provenance.READ)
    assert house.filters["since"] == NOON and house.filters["provenance"] is Provenance.READ


def test_recall_brings_its_reasons(client: Client, house: ScriptedHouse) -> None:
    (hit,) = client.recall("platform", k=3, since=NOON)
    assert (hit.score, hit.score_parts, hit.path) == (0.8, {"dense": 0.7}, ("dense", "entity:Anna"))
    assert (hit.memory.id, hit.memory.text, hit.memory.start_s) == (2, house.records[2].text, 120.0)
    assert hit.memory.ended_at == house.records[2].ended_at


def test_the_graph_and_the_status_arrive_whole(client: Client, house: ScriptedHouse) -> None:
    graph = client.graph()
    assert set(graph.nodes) == {("category", "travel"), ("memory", 3)}
    assert graph.nodes["memory", 3]["label"] == "a sign"
    assert list(graph.edges(data="kind")) == [(("category", "travel"), ("memory", 3), "holds")]
    assert client.status() == house.status()


def test_sources_can_be_steered(
    client: Client, house: ScriptedHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day.mp4").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    name = client.watch("day.mp4", start_time=NOON)
    assert house.watch_calls[0][:2] == (str((tmp_path / "day.mp4").resolve()), NOON)
    assert client.sources() == house.sources()
    assert client.wait(name, 0.01) is None
    client.pause()
    assert client.sources()[0].state == "paused"
    done = client.wait(name)
    assert done == house.wait(name)
    assert client.failure(name) is None
    client.resume(name)
    client.remove(name)
    assert client.sources() == []


def test_events_arrive_as_the_values_they_were(client: Client, house: ScriptedHouse) -> None:
    subscription = client.subscribe()
    stored = MemoryStored(NOON, "day.mp4", 4.0, 9, "a sign", "travel", (Triplet("a", "b", "c"),), 1.0, 4.0)
    said = ProactiveSaid(NOON, "day.mp4", 5.0, "Mind the gap", (evidence_of(house.records[3], 0.5),), "now", "t:1")
    house.bus.publish(stored)
    house.bus.publish(said)
    assert subscription.get(5) == stored
    assert subscription.get(5) == said
    house.bus.close()
    assert subscription.get(5) is None and subscription.closed


def test_the_address_is_for_the_owner_only_and_goes_with_the_server(own_server: Server, tmp_path: Path) -> None:
    address = find_daemon(tmp_path)
    assert address is not None and (address.pid, address.port) == (os.getpid(), own_server.port)
    assert stat.S_IMODE((tmp_path / "daemon.json").stat().st_mode) == 0o600
    own_server.stop()
    assert not (tmp_path / "daemon.json").exists()
    assert find_daemon(tmp_path) is None
    with pytest.raises(BackendUnavailable, match="no daemon"):
        Client(tmp_path)


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_what_a_killed_daemon_left_behind_is_ignored(own_server: Server, tmp_path: Path) -> None:
    here = read_address(tmp_path)
    assert here is not None
    for left in (
        DaemonAddress(dead_pid(), here.host, here.port, here.store_id),
        DaemonAddress(here.pid, here.host, 1, here.store_id),
        DaemonAddress(here.pid, here.host, here.port, store_id(tmp_path / "another")),
    ):
        write_address(tmp_path, left)
        assert find_daemon(tmp_path) is None
    write_address(tmp_path, here)
    assert find_daemon(tmp_path) == here


def test_a_daemon_of_another_store_is_not_taken_for_this_one(server: Server, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_address(other, DaemonAddress(os.getpid(), "127.0.0.1", server.port, store_id(other)))
    assert find_daemon(other) is None
    here = read_address(store)
    assert here is not None
    write_address(other, here)  # as in a copy of the folder
    assert find_daemon(other) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b"[" * 4000,
        json.dumps({"pid": "1", "host": "127.0.0.1", "port": 80, "store_id": "x"}).encode(),
        json.dumps({"pid": 1, "host": 5, "port": 80, "store_id": "x"}).encode(),
        json.dumps({"pid": 1, "host": "127.0.0.1", "port": 99999, "store_id": "x"}).encode(),
        json.dumps({"pid": 1, "host": "127.0.0.1", "port": 80, "store_id": "x", "more": 1}).encode(),
    ],
)
def test_a_damaged_address_is_no_daemon(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "daemon.json").write_bytes(content)
    assert find_daemon(tmp_path) is None


def test_a_daemon_that_goes_away_is_told(own_server: Server, tmp_path: Path) -> None:
    with Client(tmp_path) as client:
        own_server.stop()
        with pytest.raises(BackendUnavailable, match="does not answer"):
            client.status()


def test_the_client_needs_neither_the_framework_nor_a_model() -> None:
    code = (
        "import sys, perstream.web.client; "
        "bad = {'fastapi', 'starlette', 'uvicorn', 'pydantic', 'cv2', 'av', 'torch', 'onnxruntime'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_hits_without_a_time_on_a_source_keep_their_moment(client: Client, house: ScriptedHouse) -> None:
    house.records[2] = house.tell("told long ago")
    (hit,) = client.recall("ago")
    assert hit.memory.source is None and hit.memory.ended_at == hit.memory.observed_at == NOON + timedelta(minutes=8)
