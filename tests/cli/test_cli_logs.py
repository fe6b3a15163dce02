from __future__ import annotations

import json
import logging
import stat
import threading
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from perstream.cli.logs import KEPT, logging_as
from perstream.cli.masking import masked
from perstream.config_upkeep import LogConfig
from perstream.errors import ConfigError

TOKEN = "dUv1XoS8p0bQ-3yZ7cWk9LmNaRt2eFgHiJq5sBxYv4A"


@pytest.mark.parametrize(
    "given",
    [
        "opening rtsp://me:geheim@camera.lan:554/1",
        "Authorization: Bearer geheim",
        "headers {'authorization': 'bearer geheim', 'x': 1}",
        "GET /clip/geheim?start=3",
        "POST https://ha.example/api/webhook/geheim failed",
        "https://x.example/a?b=1&token=geheim&c=2",
        '{"api_key": "geheim", "code": "geheim"}',
        "Password = geheim",
        "key sk-geheimgeheim1 refused",
    ],
)
def test_no_secret_stays_in_a_line(given: str) -> None:
    assert "geheim" not in masked(given) and "***" in masked(given)


def test_a_token_is_known_by_its_looks_and_other_words_stay() -> None:
    assert masked(f"it is {TOKEN}.") == "it is ***."
    plain = "perstream.daemon.worker: a-file-name-with-many-small-letters-in-it.mp4 " + "0123456789abcdef" * 4
    assert masked(plain) == plain


def _log(config: LogConfig, *, verbose: bool = False) -> None:
    log = logging.getLogger("perstream.odd")
    with logging_as(config, verbose=verbose):
        log.debug("a detail")
        log.info("news of %s", "rtsp://me:geheim@cam", extra={"source": "rtsp://me:geheim@cam"})
        logging.getLogger("uvicorn.error").info("started", extra={"color_message": "\x1b[1mstarted"})
        logging.getLogger("httpcore.http11").info("headers")
        log.warning("two\nlines\x1b[2J")
        try:
            raise ValueError(f"token={TOKEN}")
        except ValueError:
            log.exception("failed")


def test_json_lines_have_fixed_fields_and_no_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    _log(LogConfig(format="json", level="info"))
    lines = capfd.readouterr().err.splitlines()
    records = [json.loads(line) for line in lines]
    assert [one["message"] for one in records] == ["news of rtsp://***@cam", "started", "two\nlines\x1b[2J", "failed"]
    assert records[0]["source"] == "rtsp://***@cam" and records[0]["logger"] == "perstream.odd"
    assert [one["level"] for one in records] == ["info", "info", "warning", "error"]
    assert "color_message" not in records[1]
    assert "Traceback" in records[3]["exception"] and "ValueError: token=***" in records[3]["exception"]
    at = datetime.fromisoformat(records[0]["time"].replace("Z", "+00:00"))
    assert at.tzinfo is not None and abs(datetime.now(timezone.utc) - at) < timedelta(minutes=1)
    assert list(records[0])[:4] == ["time", "level", "logger", "message"]
    assert TOKEN not in "".join(lines) and "geheim" not in "".join(lines)


def test_text_lines_cannot_be_forged(capfd: pytest.CaptureFixture[str]) -> None:
    _log(LogConfig(level="warning"))
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].endswith("WARNING perstream.odd: two\\x0alines\\x1b[2J") and lines[1].endswith("failed")
    assert lines[2].startswith("Traceback") and TOKEN not in "".join(lines)


def test_verbose_asks_for_info_and_what_was_before_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    root, ours = logging.getLogger(), logging.getLogger("perstream")
    before = (list(root.handlers), root.level, ours.level)
    _log(LogConfig(level="error"), verbose=True)
    err = capfd.readouterr().err
    assert "news of" in err and "a detail" not in err and "headers" not in err
    assert (list(root.handlers), root.level, ours.level) == before


def test_a_file_is_private_and_turned_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "daemon.log"
    path.write_text("older\n")
    path.chmod(0o644)
    with logging_as(LogConfig(file=str(path), max_mb=0.001)):
        for n in range(100):
            logging.getLogger("perstream.odd").warning("line %d %s", n, "x" * 60)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + KEPT and all(one.stat().st_size <= 1100 for one in files)
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert "line 99" in path.read_text() and capfd.readouterr().err == ""


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"log\.file"), logging_as(LogConfig(file=str(tmp_path / "no" / "x.log"))):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    with logging_as(LogConfig(file="/dev/full")):
        for _ in range(3):
            logging.getLogger("perstream.odd").warning("lost")
    assert capfd.readouterr().err.count("cannot be written") == 1


def test_warnings_and_threads_that_die_are_records_too(capfd: pytest.CaptureFixture[str]) -> None:
    def die() -> None:
        raise RuntimeError("token=geheim")

    before = threading.excepthook
    with logging_as(LogConfig(format="json")):
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("an odd number", stacklevel=1)
        thread = threading.Thread(target=die, name="perstream-odd")
        thread.start()
        thread.join()
    assert threading.excepthook is before
    first, second = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert first["logger"] == "py.warnings" and "an odd number" in first["message"]
    assert (second["level"], second["message"]) == ("critical", "perstream-odd ended")
    assert "RuntimeError: token=***" in second["exception"]
