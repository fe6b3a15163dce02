"""What the veil takes out of real videos and pushed pictures, and what is still known of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from perstream.app import App, build
from perstream.config import BackendConfig, Config, KeyframeConfig, SourceConfig
from perstream.config_privacy import PrivacyConfig
from perstream.config_upkeep import BackupConfig
from perstream.daemon.status import SourceRequest
from perstream.daemon.veil import Veil
from perstream.errors import ConfigError
from perstream.keyframes.sampler import KeyframeSampler
from perstream.perception.faces import FaceFinder
from perstream.perception.people import PeopleObserver
from perstream.perception.view import View
from perstream.privacy.cover import cover
from perstream.privacy.faces import HOLD_S, FacelessPicture, Trail
from perstream.sources import open_source
from perstream.types import ArrayPicture, ByteArray, Frame, Keyframe, ObservationKind

LEFT = "*=0 0 0.5 1"


def film(path: Path, picture: ByteArray, frames: int = 20, pix_fmt: str = "yuv420p") -> Path:
    height, width = picture.shape[:2]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1" if path.suffix == ".mkv" else "libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def halves(width: int, height: int, left: tuple[int, int, int], right: tuple[int, int, int]) -> ByteArray:
    picture = np.empty((height, width, 3), np.uint8)
    picture[:, : width // 2], picture[:, width // 2 :] = left, right
    return picture


def frames_of(path: Path, config: PrivacyConfig, *masks: str) -> Iterator[Frame]:
    request = SourceRequest(str(path), masks=masks)
    source = Veil(config).over(open_source(str(path), SourceConfig(audio=False, transcript=False)), request)
    yield from (item for item in source.stream() if isinstance(item, Frame))


@pytest.mark.parametrize(("size", "pix_fmt"), [((64, 48), "yuv420p"), ((331, 243), "yuv444p"), ((63, 49), "gray")])
def test_decoded_pictures_are_masked_at_every_size(tmp_path: Path, size: tuple[int, int], pix_fmt: str) -> None:
    path = film(tmp_path / "a.mkv", halves(*size, (255, 0, 0), (90, 90, 90)), 3, pix_fmt)
    for frame in frames_of(path, PrivacyConfig(masks=(LEFT,))):
        picture = frame.picture
        for side in (960, 61, 30, 7):
            assert np.ptp(picture.rgb(side).astype(int)) <= 6, "only the grey of the right half is left"
            assert np.ptp(picture.gray(side).astype(int)) <= 6
        assert (picture.width, picture.height) == size


def test_a_film_that_lies_on_its_side_is_masked_as_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perstream.sources.clip.quarter_turns", lambda frame: 1)
    tall = np.rot90(halves(64, 48, (255, 0, 0), (90, 90, 90)), -1)  # stored so that a turn to the left makes it upright
    path = film(tmp_path / "a.mkv", np.ascontiguousarray(tall), 2, "yuv444p")
    for frame in frames_of(path, PrivacyConfig(masks=(LEFT,))):
        assert (frame.picture.width, frame.picture.height) == (64, 48)
        assert np.ptp(frame.picture.rgb(64).astype(int)) <= 6


def test_masks_follow_a_picture_whose_size_changes(tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    for number, size in enumerate(((64, 48), (200, 30), (41, 97))):
        cv2.imwrite(str(folder / f"{number}.png"), halves(*size, (255, 0, 0), (90, 90, 90)))
    sizes = set()
    for frame in frames_of(folder, PrivacyConfig(), "0 0 .5 1"):
        sizes.add((frame.picture.width, frame.picture.height))
        assert np.ptp(frame.picture.rgb(200).astype(int)) <= 6
    assert len(sizes) >= 2


def test_masks_are_chosen_by_name_path_and_address_without_login(tmp_path: Path) -> None:
    path = film(tmp_path / "day.mkv", halves(64, 48, (255, 0, 0), (90, 90, 90)), 1, "yuv444p")
    for name in ("day.mkv", "DAY.mkv", str(path)):
        (frame,) = frames_of(path, PrivacyConfig(masks=(f"{name}=0 0 0.5 1",)))
        assert np.ptp(frame.picture.rgb(64).astype(int)) <= 6, name
    (frame,) = frames_of(path, PrivacyConfig(masks=("night.mkv=0 0 0.5 1",)))
    assert np.ptp(frame.picture.rgb(64).astype(int)) > 100
    veil = Veil(PrivacyConfig(masks=("rtsp://cam:554/1=0 0 1 1",)))
    assert veil.covers("porch", "rtsp://me:secret@cam:554/1?x=2") and not veil.covers("porch", "rtsp://cam:554/2")


def face_at(x: int, y: int, level: int = 120) -> ByteArray:
    """A shaded oval with brows, eyes, nose and mouth: enough for a Haar cascade."""
    picture = np.full((360, 640, 3), level, np.uint8)
    cv2.ellipse(picture, (x, y), (70, 95), 0, 0, 360, (205, 170, 150), -1)
    cv2.ellipse(picture, (x, y - 75), (74, 40), 0, 180, 360, (50, 40, 35), -1)
    for eye in (x - 30, x + 30):
        cv2.ellipse(picture, (eye, y - 18), (20, 10), 0, 0, 360, (110, 85, 75), -1)
        cv2.ellipse(picture, (eye, y - 16), (13, 6), 0, 0, 360, (240, 240, 240), -1)
        cv2.circle(picture, (eye, y - 16), 6, (30, 20, 20), -1)
        cv2.ellipse(picture, (eye, y - 32), (20, 4), 0, 0, 360, (60, 45, 40), -1)
    cv2.ellipse(picture, (x, y + 15), (9, 22), 0, 0, 360, (225, 190, 168), -1)
    cv2.ellipse(picture, (x, y + 32), (14, 4), 0, 0, 360, (140, 100, 90), -1)
    cv2.ellipse(picture, (x, y + 58), (26, 7), 0, 0, 360, (150, 70, 70), -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2.5), np.uint8)


def faces_in(rgb: ByteArray) -> int:
    return len(FaceFinder(hiding=True).hide(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)))


def test_no_keyframe_shows_a_face_and_people_are_counted_all_the_same(tmp_path: Path) -> None:
    plain = face_at(320, 180)
    assert faces_in(plain) >= 1, "there is one to find"
    path = film(tmp_path / "visit.mp4", plain)
    veil = Veil(PrivacyConfig(blur_faces=True))
    source = veil.over(open_source(str(path), SourceConfig(audio=False)), SourceRequest(str(path)))
    sampler, keyframes = KeyframeSampler(KeyframeConfig()), list[Keyframe]()
    for item in source.stream():
        if isinstance(item, Frame):
            keyframes += sampler.offer(item)
            if item.index % 8 == 0:
                assert faces_in(item.picture.rgb(640)) == 0, "the live view"
    assert keyframes and all(faces_in(keyframe.rgb) == 0 for keyframe in keyframes)
    (seen,) = PeopleObserver(veil.faces).see(View(keyframes[0]))
    assert (seen.kind, seen.text) == (ObservationKind.PEOPLE, "1")
    assert PeopleObserver().see(View(keyframes[0])) == (), "by the picture alone nobody is there"


def test_a_face_that_is_missed_for_a_moment_stays_covered() -> None:
    box, trail = (0.4, 0.3, 0.6, 0.7), Trail()
    finds = iter([[box], [], [], [(0.41, 0.3, 0.61, 0.7)], [(0.05, 0.3, 0.25, 0.7)]])
    pixels = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)

    def covered(pts_s: float) -> bool:
        seen = FacelessPicture(ArrayPicture(pixels), pts_s, lambda gray: next(finds), trail).rgb(160)
        return bool((seen[45, 80] != pixels[45, 80]).any())

    assert covered(10.0)
    assert covered(10.0 + HOLD_S / 2), "missed, and covered where it was"
    assert not covered(10.1 + HOLD_S), "and not for ever"
    assert covered(20.0)
    assert covered(20.5), "another one was found elsewhere: who was here may still be"


def test_small_pictures_to_compare_colours_are_not_searched() -> None:
    def never(gray: ByteArray) -> list[tuple[float, float, float, float]]:
        raise AssertionError("searched")

    picture = FacelessPicture(ArrayPicture(np.zeros((90, 160, 3), np.uint8)), 0.0, never, Trail())
    assert picture.rgb(96).shape[1] <= 96 and picture.gray(80).shape[1] <= 80


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    config = Config(
        store=str(tmp_path / "store"),
        backend=BackendConfig(name="scripted"),
        keyframes=KeyframeConfig(dwell_s=0.5, settle_s=0.2),
        privacy=PrivacyConfig(masks=("secret.mp4=0 0 0.5 1", "phone=0 0 0.5 1")),
        backup=BackupConfig(every_h=0),
    )
    with build(config) as house:
        yield house


def test_a_masked_recording_is_kept_masked_and_is_not_played(app: App, tmp_path: Path) -> None:
    picture = halves(320, 240, (255, 0, 0), (90, 90, 90))
    cv2.putText(picture, "EXIT 12", (170, 130), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 3)
    for name in ("secret.mp4", "plain.mp4", "asked.mp4"):
        film(tmp_path / name, picture, 30)
    for name, masks in (("secret.mp4", ()), ("plain.mp4", ()), ("asked.mp4", ("0 0 0.5 1",))):
        app.wait(app.watch(str(tmp_path / name), masks=masks))
    kept = {one.source: one for one in app.memories(limit=10)}
    assert set(kept) == {"secret.mp4", "plain.mp4", "asked.mp4"}
    for name, record in kept.items():
        jpeg = cv2.imdecode(np.frombuffer(app.thumbnail(record.id) or b"", np.uint8), 1)
        view = cv2.imdecode(np.frombuffer(app.view(name) or b"", np.uint8), 1)
        for shown in (jpeg, view):
            red = shown[:, : shown.shape[1] // 3].reshape(-1, 3).mean(axis=0)[2]
            assert (red > 180) == (name == "plain.mp4"), name
        assert (app.recording(record.id) is None) == (name != "plain.mp4")
    told = {one.name: one.masks for one in app.sources()}
    assert told == {"secret.mp4": ("0 0 0.5 1",), "plain.mp4": (), "asked.mp4": ("0 0 0.5 1",)}
    with pytest.raises(ConfigError, match="mask"):
        app.watch(str(tmp_path / "plain.mp4"), name="again", masks=["0 0"])


def test_what_a_browser_sends_is_masked(app: App) -> None:
    source = app.feed("phone")
    picture = halves(320, 240, (255, 0, 0), (90, 90, 90))
    app.live("phone")
    for index in range(200):
        source.push(picture, index / 10)
        seen = app.live("phone", 0, 0.1)
        if seen is not None:
            break
    assert seen is not None
    shown = cv2.imdecode(np.frombuffer(seen[1], np.uint8), 1)
    assert np.ptp(shown.astype(int)) < 12
    source.end()


def test_a_second_source_of_the_same_name_does_not_lift_the_mask(app: App, tmp_path: Path) -> None:
    source = app.feed("door")
    app._veil.begun("door", ())
    with pytest.raises(ConfigError):
        app.watch(
            str(film(tmp_path / "x.mp4", halves(64, 48, (9, 9, 9), (90, 90, 90)), 2)), name="door", masks=["0 0 1 1"]
        )
    assert app.sources()[0].masks == ()
    source.end()


def test_a_picture_to_search_by_is_veiled_where_every_picture_is() -> None:
    picture = ArrayPicture(halves(64, 48, (255, 0, 0), (90, 90, 90)))
    assert np.ptp(Veil(PrivacyConfig(masks=(LEFT,))).alone(picture).rgb(64).astype(int)) <= 6
    assert np.ptp(Veil(PrivacyConfig(masks=("cam=0 0 1 1",))).alone(picture).rgb(64).astype(int)) > 100
    assert faces_in(Veil(PrivacyConfig(blur_faces=True)).alone(ArrayPicture(face_at(320, 180))).rgb(640)) == 0


def test_what_is_known_of_faces_is_bounded() -> None:
    veil = Veil(PrivacyConfig())
    for second in range(2000):
        veil.found("cam", datetime.fromtimestamp(second, timezone.utc), ())
    assert len(veil._known) < 1000


def test_a_patch_is_no_blur() -> None:
    """Two faces give the same patch: nothing of either is left."""
    one, other = face_at(320, 180), face_at(300, 190)
    box = (0.2, 0.1, 0.8, 0.95)
    assert np.array_equal(cover(one, [box]), cover(other, [box]))
