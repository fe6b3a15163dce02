"""The sample-day generator: seeds, truth that holds, files of the right kind and size."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from perstream.lab.day import film, script
from perstream.lab.day.draw import Draw
from perstream.lab.day.make import DayFiles, day_files, make_day, truth_of
from perstream.lab.day.papers import code
from perstream.lab.day.path import reading_pose
from perstream.lab.day.rooms import Place
from perstream.lab.day.space import Lens, Pose, paint, project, quad, vector
from perstream.lab.day.truth import Truth, load_truth

SHIPPED = Path(__file__).parents[2] / "sample_videos"


def truth(seed: int, rooms: int = 7) -> Truth:
    draw = Draw(seed)
    return truth_of(seed, script.plot(draw, rooms), draw, Lens(960, 540), 15)


@pytest.fixture(scope="module")
def shipped() -> Truth:
    return load_truth(day_files(SHIPPED).truth)


@pytest.fixture(scope="module")
def truths(shipped: Truth) -> list[Truth]:
    return [shipped, truth(1, 3), truth(2, 3)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DayFiles:
    return make_day(3, tmp_path_factory.mktemp("day"), width=128, height=72, fps=2, rooms=2)


def test_same_seed_is_the_same_day(shipped: Truth) -> None:
    assert truth(shipped.seed) == shipped, "run scripts/make_sample.sh: the generator has changed"


def test_another_seed_is_another_day(truths: list[Truth]) -> None:
    _, one, two = truths
    assert one.rooms != two.rooms
    assert len({s.text for s in one.shown} & {s.text for s in two.shown}) <= 1
    assert {q.question for q in one.questions} != {q.question for q in two.questions}
    assert [s.text for s in one.said] != [s.text for s in two.said]
    assert one.told != two.told


def test_a_day_asks_enough(shipped: Truth) -> None:
    assert len(shipped.questions) >= 8
    assert len(shipped.unanswerable) >= 3
    assert len(shipped.due) >= 2
    assert 3 <= len(shipped.said) <= 6
    assert len(shipped.told) > len(shipped.due), "some told facts never matter"
    assert 100 <= shipped.duration_s <= 150


def test_rests_are_long_and_large_enough_to_read(truths: list[Truth]) -> None:
    for shown in (s for day in truths for s in day.shown):
        assert shown.cap_px >= 18, shown
        assert 2 <= shown.end_s - shown.start_s <= 6, shown
        assert any(a <= shown.start_s and b >= shown.end_s for a, b in shown.glimpses), shown


def test_nothing_is_shown_while_another_thing_is_read(truths: list[Truth]) -> None:
    for day in truths:
        for before, after in zip(day.shown, day.shown[1:], strict=False):
            assert before.end_s < after.start_s


def test_answers_were_shown_said_or_told(truths: list[Truth]) -> None:
    for day in truths:
        for question in day.questions:
            if question.kind == "time seen":
                continue
            if question.provenance == "told":
                words = " ".join(day.told)
            elif question.provenance == "heard":
                cue = next(c for c in day.said if c.start_s == question.start_s)
                words = f"{cue.speaker}: {cue.text}"
            else:
                words = next(s.text for s in day.shown if s.start_s == question.start_s).replace(" | ", " ")
                words += " https://"
            for group in question.answer_contains:
                found = any(text.casefold() in words.casefold() for text in group)
                is_code = any("example/" in text for text in group)
                assert found or is_code, (question, words)


def test_unanswerable_questions_are_not_answerable_ones(truths: list[Truth]) -> None:
    for day in truths:
        assert {q.question for q in day.unanswerable}.isdisjoint(q.question for q in day.questions)
        assert not any(q.answer_contains for q in day.unanswerable)


def test_due_words_follow_from_what_is_told_and_shown(truths: list[Truth]) -> None:
    for due in (d for day in truths for d in day.due):
        assert due.from_s <= due.cue_s < due.until_s
        assert due.cue_s + 3 <= due.until_s + 1e-6
    for day in truths:
        starts = {s.start_s for s in day.shown} | {c.start_s for c in day.said}
        assert {d.cue_s for d in day.due} <= starts


def test_truth_survives_the_file(tmp_path: Path, truths: list[Truth]) -> None:
    truths[0].save(tmp_path / "truth.json")
    assert load_truth(tmp_path / "truth.json") == truths[0]


def test_files_of_a_day(small: DayFiles) -> None:
    day = load_truth(small.truth)
    with av.open(str(small.video)) as box:
        stream = box.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 128, 72)
        frames = sum(1 for _ in box.decode(video=0))
    assert frames == round(day.duration_s * 2)
    assert small.transcript.read_text(encoding="utf-8").startswith("WEBVTT\n")
    assert all(f"<v {cue.speaker}>{cue.text}" in small.transcript.read_text(encoding="utf-8") for cue in day.said)
    assert small.profile.read_text(encoding="utf-8").splitlines() == list(day.told)


def test_shipped_day_fits_and_holds_what_is_promised(shipped: Truth) -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 5_000_000
    assert {"medicine box", "calendar", "platform sign", "whiteboard", "QR code"} <= {s.what for s in shipped.shown}
    assert any("PEANUT | BUTTER" in s.text for s in shipped.shown)


def test_paint_puts_a_corner_where_projection_says() -> None:
    lens, pose = Lens(320, 180), Pose(0.1, -1.5, 0.0, 0.2, 0.05, 0.0, 1.2)
    texture = np.full((64, 64, 3), 255, np.uint8)
    board = quad(vector(0.2, -1.9, 2.0), vector(0.8, 0, 0), vector(0, 0.6, 0), texture, layer=1)
    picture = np.zeros((180, 320, 3), np.uint8)
    paint([board], pose, lens, picture)
    white = np.argwhere(picture[:, :, 0] > 200)
    (x0, y0), (x1, y1) = project(np.stack([board.origin, board.origin + board.across + board.down]), pose, lens)
    assert abs(white[:, 1].min() - x0) < 6 and abs(white[:, 0].max() - y1) < 6
    assert white[:, 1].max() < 319 and x1 > x0 and y1 > y0


def test_a_board_is_not_seen_from_behind() -> None:
    lens = Lens(160, 90)
    board = quad(vector(-1, -2, 2.0), vector(2, 0, 0), vector(0, 1, 0), np.full((32, 32, 3), 255, np.uint8), layer=1)
    picture = np.zeros((90, 160, 3), np.uint8)
    paint([board], Pose(0, -1.5, 4.0, np.pi), lens, picture)
    assert picture.max() < 200


def test_code_is_readable_when_looked_at() -> None:
    item = code(Draw(5))
    place = Place(vector(2, -1.5, 3), vector(1, 0, 0), vector(0, 0, -1))
    corner = place.centre - place.right * item.width_m / 2 - vector(0, item.height_m / 2, 0)
    board = quad(corner, place.right * item.width_m, vector(0, item.height_m, 0), item.texture, layer=1)
    picture = np.zeros((540, 960, 3), np.uint8)
    paint([board], reading_pose(item, place, Draw(6)), Lens(960, 540), picture)
    text, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(picture)
    assert text.startswith("https://") and any(text.endswith(w) or text in w for w in item.asks[0].accepted[0])


def test_motion_blurs_and_rest_does_not() -> None:
    lens = Lens(960, 540)
    still = film.smear(Pose(0, 0, 0, 0.1), Pose(0, 0, 0, 0.1001), lens)
    moving = film.smear(Pose(0, 0, 0, 0.1), Pose(0, 0, 0, 0.15), lens)
    assert still[0][0] < 1 < 20 < moving[0][0]


def test_nothing_is_drawn_twice() -> None:
    draw = Draw(1)
    assert len({draw.pick("abcdef") for _ in range(6)}) == 6
    with pytest.raises(ValueError, match="nothing left"):
        draw.pick("abcdef")
