"""What "now" is after a recording: its end for who watched it, the wall clock for a house that goes on."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cli_world import sign, write_video

from perstream.app import App, open_memory
from perstream.errors import ConfigError
from perstream.models.scripted import load as scripted
from perstream.settings import load

BEGAN = datetime(2026, 5, 1, 9, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize("lasting", [False, True])
def test_now_after_a_recording(tmp_path: Path, lasting: bool) -> None:
    video = write_video(tmp_path / "may.mp4", [(sign("PLATFORM 12"), 3.0)])
    config = load(overrides={"store": str(tmp_path / "store")})
    backend = scripted(config.backend, config.moment)
    with App(config, backend, open_memory(config, backend), lasting=lasting) as app:
        name = app.watch(str(video), start_time=BEGAN)
        assert app.ask_at(name, 2.0, "what is it?").result(30) is not None
        assert app.wait(name, 30) is not None
        said = app.tell("I parked on level 2").observed_at
        now = datetime.now(timezone.utc)
        if lasting:
            assert abs(now - said) < timedelta(minutes=1) and abs(now - app.now()) < timedelta(minutes=1)
        else:
            assert BEGAN < said < BEGAN + timedelta(minutes=1)
        with pytest.raises(ConfigError, match="has ended"):
            app.pause(name)
