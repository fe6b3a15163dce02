"""The projection learns from drawn colours, resumes, and says what is wrong with its data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kit_films import COLORS, film

torch: Any = pytest.importorskip("torch", reason="needs torch")

from perstream.errors import ConfigError, SourceError  # noqa: E402
from perstream.lab.drivenact import read_samples  # noqa: E402
from perstream.lab.kit import projection_fit  # noqa: E402
from perstream.lab.kit.frames import find_video, frames_at, window  # noqa: E402
from perstream.lab.kit.held_out import split_of  # noqa: E402
from perstream.lab.kit.projection import ProjectionJob, parse_pool, run_projection  # noqa: E402
from perstream.lab.kit.projection_fit import FitSettings  # noqa: E402
from perstream.models.builtin_vision import BuiltinVision  # noqa: E402
from perstream.models.omni.projection import load_projection  # noqa: E402


def record(participant: int, color: str, at: float) -> dict[str, Any]:
    return {
        "participant_id": participant, "video_id": f"p{participant}/run", "timestamp": str(at), "split": "",
        "caption": f"holding something {color}", "type_1_memories": [], "type_2_memories": [], "type": "proactive",
        "answer": "</silence>",
    }  # fmt: skip


@pytest.fixture
def job(tmp_path: Path) -> ProjectionJob:
    records = []
    for participant in range(6):
        colors = list(np.random.default_rng(participant).permutation(sorted(COLORS)))
        film(tmp_path / "videos" / f"p{participant}" / "run.mp4", colors, participant)
        records += [record(participant, color, 3 * i + 1.5) for i, color in enumerate(colors)]
    dataset = tmp_path / "records.json"
    dataset.write_text(json.dumps(records))
    return ProjectionJob(
        dataset, tmp_path / "videos", tmp_path / "out" / "colors.safetensors", tmp_path / "cache",
        fit=FitSettings(epochs=12, learning_rate=3e-3),
    )  # fmt: skip


def builtin() -> tuple[str, BuiltinVision]:
    return "builtin", BuiltinVision(4)


def must_not_load() -> tuple[str, BuiltinVision]:
    raise AssertionError("everything is encoded already")


def changed(job: ProjectionJob, **values: Any) -> ProjectionJob:
    from dataclasses import replace

    return replace(job, **values)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_it_learns_colours_of_people_it_never_saw(job: ProjectionJob) -> None:
    report = run_projection(job, builtin, lambda _: None)
    held_out = report["held_out"]
    assert (held_out["n_frames"], held_out["n_captions"]) == (24, 6)
    assert report["held_out_by"] == "participant"
    assert not report["held_out_chose_epoch"]
    assert held_out["chance@1"] == pytest.approx(1 / 6)
    assert held_out["recall@1"] > 0.8
    assert held_out["recall@5"] > 0.95
    assert report["history"][-1]["val_loss"] < report["history"][0]["val_loss"]
    projection = load_projection(job.output, BuiltinVision.dimension)
    assert (projection.pool_size, projection.vision_model) == (4, "builtin")
    assert json.loads(job.output.with_suffix(".json").read_text())["best_epoch"] == report["best_epoch"]
    assert {Path(path).suffix for path in report["curve"]} == {".svg", ".png"}
    with pytest.raises(ConfigError, match="--fresh"):
        run_projection(job, builtin, lambda _: None)


def test_interrupted_it_goes_on_to_the_same_weights(job: ProjectionJob, monkeypatch: pytest.MonkeyPatch) -> None:
    run_projection(changed(job, mode="create_dataset"), builtin, lambda _: None)
    train = changed(job, mode="train")
    run_projection(train, must_not_load, lambda _: None)
    straight = load_projection(job.output, BuiltinVision.dimension)
    job.output.unlink()

    def stops_after_five(line: str) -> None:
        if "epoch 5" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_projection(train, must_not_load, stops_after_five)
    assert not job.output.exists()
    said: list[str] = []
    run_projection(train, must_not_load, said.append)
    assert "going on after epoch 5" in said[0]
    again = load_projection(job.output, BuiltinVision.dimension)
    for part in ("first", "first_bias", "second", "second_bias"):
        np.testing.assert_array_equal(getattr(again, part), getattr(straight, part))


def test_missing_videos_and_late_timestamps_are_listed(job: ProjectionJob) -> None:
    (job.videos / "p0" / "run.mp4").unlink()  # type: ignore[operator]
    records = json.loads(job.dataset.read_text())
    records.append(record(1, "red", 99))
    job.dataset.write_text(json.dumps(records))
    with pytest.raises(ConfigError, match=r"--skip-missing.*no video p0/run"):
        run_projection(job, builtin, lambda _: None)
    report = run_projection(changed(job, mode="create_dataset", skip_missing=True), builtin, lambda _: None)
    assert any("p1/run ends before" in line for line in report["missing"])
    assert report["frames_new"] == 0, "the first run kept what it could encode"
    assert report["frames_known"] == 5 * 24


def test_bad_settings_and_data_are_one_line(job: ProjectionJob, tmp_path: Path) -> None:
    assert (parse_pool("4"), parse_pool("8x8")) == (4, 8)
    for wrong in ("4x8", "", "1", "17", "four"):
        with pytest.raises(ConfigError, match="POOL_SIZE"):
            parse_pool(wrong)
    with pytest.raises(ConfigError, match="VIDEO_DIR"):
        run_projection(changed(job, videos=None), builtin, lambda _: None)
    with pytest.raises(ConfigError, match="VIDEO_DIR"):
        run_projection(changed(job, videos=tmp_path / "nowhere"), builtin, lambda _: None)
    with pytest.raises(Exception, match="create_dataset"):
        run_projection(changed(job, mode="train"), builtin, lambda _: None)
    only = [r for r in json.loads(job.dataset.read_text()) if r["participant_id"] == 0]
    job.dataset.write_text(json.dumps(only))
    with pytest.raises(ConfigError, match="held out"):
        run_projection(job, builtin, lambda _: None)
    job.dataset.write_text(json.dumps([{**only[0], "caption": ""}]))
    with pytest.raises(ConfigError, match="nothing to align"):
        run_projection(job, builtin, lambda _: None)


def test_another_file_under_the_same_name_is_noticed(job: ProjectionJob) -> None:
    run_projection(changed(job, mode="create_dataset"), builtin, lambda _: None)
    film(job.videos / "p2" / "run.mp4", ["red"] * 6, 99)  # type: ignore[operator]
    with pytest.raises(ConfigError, match="is not the file"):
        run_projection(changed(job, mode="create_dataset"), builtin, lambda _: None)


def test_frames_and_splits(tmp_path: Path) -> None:
    film(tmp_path / "v.mp4", ["red", "blue"], 1)
    path = find_video(tmp_path, "v")
    assert path == tmp_path / "v.mp4"
    assert find_video(tmp_path, "w") is None
    for outside in ("../v", "/v", ""):
        with pytest.raises(ConfigError, match="no path inside"):
            find_video(tmp_path, outside)
    shown = dict(frames_at(path, [0.0, 4.0, 6.2, 60.0]))
    assert sorted(shown) == [0.0, 4.0, 6.2], "beyond the end nothing is shown"
    assert shown[0.0][32, 45].argmax() == 0 and shown[4.0][32, 45].argmax() == 2
    assert window(5, 2, 1, 4) == (3.0, 4.0, 5.0, 6.0)
    assert window(0.5, 2, 0, 3) == (0.0, 0.25, 0.5)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(SourceError):
        list(frames_at(tmp_path / "broken.mp4", [0.0]))
    mixed = read_samples([{**record(1, "red", 0), "split": "train"}, {**record(1, "red", 1), "split": "val"}])
    with pytest.raises(ConfigError, match="several splits"):
        split_of(mixed)
    assert projection_fit._best([]) == 0
