from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from web_fakes import NOON, ScriptedHouse

from perstream.daemon.appstatus import AppStatus
from perstream.daemon.asked import Questions
from perstream.daemon.buckets import BOUNDS_S, Spread
from perstream.daemon.chores import ChoreStatus
from perstream.daemon.counted import Counts
from perstream.daemon.status import SourceState, SourceStatus
from perstream.daemon.upkeep_state import Alert, BackupStatus, WatchdogStatus
from perstream.daemon.vitals import Readiness, Vitals
from perstream.memory.status import MemoryStatus
from perstream.protocols import Sent
from perstream.web.metrics import of_servers
from perstream.web.metrics_labels import LONGEST, MOST, label, labelled
from perstream.web.metrics_sources import of_sources
from perstream.web.metrics_upkeep import of_upkeep
from perstream.web.server import Server


def values(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample once: a name and labels that come twice are no exposition."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, f"{family.name} says nothing about itself"
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def test_a_scrape_holds_what_the_house_says(http: httpx.Client, house: ScriptedHouse) -> None:
    house.watched = {"cam": SourceState.RUNNING, "old.mp4": SourceState.ENDED}
    took = Spread((1, 2, *(0,) * (len(BOUNDS_S) - 3), 3, 1), 200.5)
    house.vitals = Vitals(
        Readiness(True),
        {"question": 2, "told": 0, "percept": 5},
        1.5,
        Questions({"answered": 6, "abstained": 1}, took),
        Counts({"kept": 4}, {"seen": 3}, {"3": 1}, {"card": 2}),
    )
    answer = http.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=")
    found = values(answer.text)

    def of(name: str, **labels: str) -> float:
        return found[name, frozenset(labels.items())]

    assert of("perstream_memories") == 7 and of("perstream_store_disk_bytes") == 1.5 * 2**20
    assert of("perstream_source_frames_total", source="cam") == 5
    assert of("perstream_source_state", source="old.mp4", state="ended") == 1
    assert of("perstream_source_state", source="old.mp4", state="running") == 0
    assert (
        of("perstream_questions_total", outcome="answered") == 6
        and of("perstream_questions_total", outcome="failed") == 0
    )
    assert of("perstream_question_duration_seconds_bucket", le="0.01") == 3
    assert of("perstream_question_duration_seconds_bucket", le="60.0") == 6
    assert (
        of("perstream_question_duration_seconds_bucket", le="+Inf")
        == 7
        == of("perstream_question_duration_seconds_count")
    )
    assert of("perstream_question_duration_seconds_sum") == 200.5
    assert of("perstream_worker_queue_length", priority="percept") == 5 and of("perstream_worker_busy_seconds") == 1.5
    assert of("perstream_gate_keyframes_total", decision="kept") == 4
    assert of("perstream_gate_keyframes_total", decision="let_go") == 0
    assert of("perstream_proactive_held_back_total", reason="cooldown") == 2
    assert of("perstream_redactions_total", kind="card") == 2
    assert of("perstream_ready") == 1 and of("process_cpu_seconds_total") > 0


def test_upkeep_is_told() -> None:
    memory = MemoryStatus(0, 0, 0, 0.0, 0.0, None, None, 1)
    status = AppStatus(
        "builtin",
        "/store",
        memory,
        chores=(ChoreStatus("backup", 3, 1, "no room", 2.5, NOON),),
        alerts=(Alert("source_gone", "a", "…", NOON), Alert("source_gone", "b", "…", NOON)),
        backups=BackupStatus(24.0, "/b", NOON, kept=3, made=2, failed=1),
        watchdog=WatchdogStatus(found={"perceive": 4}, keep_one_in=2, shed_s=9.0),
    )
    samples = {(s.name, *s.labels.values()): s.value for family in of_upkeep(status) for s in family.samples}
    assert samples["perstream_alerts_active", "source_gone"] == 2 and samples["perstream_alerts_active", "stuck"] == 0
    assert samples["perstream_chores_failed_total", "backup"] == 1
    assert samples["perstream_chore_last_done_timestamp_seconds", "backup"] == NOON.timestamp()
    assert samples["perstream_backup_newest_timestamp_seconds",] == NOON.timestamp()
    assert samples["perstream_stuck_found_total", "perceive"] == 4 and samples["perstream_shedding_seconds_total",] == 9


def test_open_metrics_are_given_to_those_who_ask_for_them(http: httpx.Client, house: ScriptedHouse) -> None:
    answer = http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert any(family.name == "perstream_questions" for family in openmetrics(answer.text))


def test_metrics_need_a_token_and_are_counted_anew_each_time(
    server: Server, http: httpx.Client, house: ScriptedHouse
) -> None:
    assert httpx.get(f"{server.url}/metrics", trust_env=False).status_code == 401
    first = values(http.get("/metrics").text)
    del house.records[1]
    second = values(http.get("/metrics").text)
    key = ("perstream_memories", frozenset[tuple[str, str]]())
    assert (first[key], second[key]) == (7, 6)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("rtsp://me:geheim@camera.lan/1", "rtsp://camera.lan/1"),
        ("rtsp://camera/1?user=me&password=geheim", "rtsp://camera/1?…"),
        ('kitchen "left"\n', 'kitchen "left"?'),
        ("broken\ud800name", "broken?name"),
        ("x" * 500, "x" * (LONGEST - 1) + "…"),
    ],
)
def test_a_label_holds_no_login_and_nothing_that_breaks_a_line(given: str, shown: str) -> None:
    assert label(given) == shown


def test_labels_that_look_alike_or_are_too_many_are_summed_up() -> None:
    assert dict(labelled({"rtsp://a:b@cam": 1, "rtsp://c:d@cam": 2})) == {"rtsp://cam": 3}
    many = dict(labelled({f"reason {n:04}": 1 for n in range(MOST + 50)}))
    assert len(many) == MOST + 1 and many["other"] == 50


def test_running_sources_have_their_figures_however_many_ended() -> None:
    old = [SourceStatus(f"old{n}.mp4", "", False, SourceState.ENDED) for n in range(MOST + 10)]
    camera = SourceStatus("rtsp://me:geheim@cam", "", True, SourceState.RUNNING, frames=9, last_frame_at=NOON)
    families = {one.name: one for one in of_sources([*old, camera], NOON)}
    frames = families["perstream_source_frames"].samples
    assert (frames[0].labels, frames[0].value, len(frames)) == ({"source": "rtsp://cam"}, 9, MOST)
    assert families["perstream_sources_unlabelled"].samples[0].value == 11
    ages = families["perstream_source_last_frame_age_seconds"].samples
    assert [(one.labels["source"], one.value) for one in ages] == [("rtsp://cam", 0.0)]
    assert "geheim" not in str(families)


def test_calls_to_several_servers_are_summed_up_by_kind() -> None:
    one = Sent("http://a", "m", "caption", 5, 1, 2, 100, 10, 20, 3)
    families = {family.name: family for family in of_servers([one, replace(one, server="http://b")])}
    calls = {tuple(s.labels.values()): s.value for s in families["perstream_model_calls"].samples}
    assert calls == {("caption", "made"): 10, ("caption", "failed"): 2, ("caption", "refused"): 4}
    assert families["perstream_model_sent_bytes"].samples[0].value == 200


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_whoever_restarts_it_needs_no_token(server: Server, house: ScriptedHouse, path: str) -> None:
    assert httpx.get(f"{server.url}{path}", trust_env=False).status_code == 200


def test_readyz_says_no_with_a_reason_and_nothing_else(server: Server, house: ScriptedHouse) -> None:
    house.ready = Readiness(False, "worker-stuck", hopeless=True)
    answer = httpx.get(f"{server.url}/readyz", trust_env=False)
    assert (answer.status_code, json.loads(answer.text)) == (503, {"ready": False, "reason": "worker-stuck"})
    assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
    house.ready = Readiness(True, warming=True)
    assert httpx.get(f"{server.url}/readyz", trust_env=False).json() == {"ready": True, "warming": True}
