"""Settings: defaults, precedence, refusals, and the page that lists them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from perstream.config import Config
from perstream.errors import ConfigError
from perstream.settings import load


def test_the_defaults_of_the_research_project() -> None:
    settings = Config()
    assert settings.gate.gamma_threshold == 0.3
    assert settings.memory.delta_dfs_threshold == 0.3
    assert (settings.moment.buffer_size, settings.moment.queue_size, settings.moment.pool_size) == (4, 4, 8)
    assert (settings.memory.top_k, settings.memory.rho) == (5, 0.9)
    assert settings.backend.max_new_tokens == 200
    assert (settings.backend.temperature_passive, settings.backend.temperature_proactive) == (1.0, 0.0)


def test_precedence(tmp_path: Path) -> None:
    file = tmp_path / "perstream.toml"
    file.write_text("[moment]\nbuffer_size = 8\nqueue_size = 9\npool_size = 10\n", encoding="utf-8")
    environ = {"PERSTREAM_MOMENT_QUEUE_SIZE": "19", "PERSTREAM_MOMENT_POOL_SIZE": "12", "PATH": "/bin"}
    moment = load(file, environ, {"moment.pool_size": 16, "moment.quiet_s": None}).moment
    assert (moment.buffer_size, moment.queue_size, moment.pool_size) == (8, 19, 16)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PERSTREAM_PROACTIVE_ENABLED", "false", False),
        ("PERSTREAM_PROACTIVE_PER_HOUR", "3", 3),
        ("PERSTREAM_PROACTIVE_COOLDOWN_S", "1.5", 1.5),
        ("PERSTREAM_PROACTIVE_QUIET_FROM", "22:30", "22:30"),
    ],
)
def test_the_environment_is_converted(name: str, value: str, expected: object) -> None:
    field = name.removeprefix("PERSTREAM_PROACTIVE_").lower()
    assert getattr(load(environ={name: value}).proactive, field) == expected


def test_a_list_in_the_environment_has_commas() -> None:
    assert load(environ={"PERSTREAM_BACKEND_ADAPTERS": "home=/a,work=/b"}).backend.adapters == ("home=/a", "work=/b")
    assert load(environ={"PERSTREAM_BACKEND_ADAPTERS": ""}).backend.adapters == ()


@pytest.mark.parametrize(
    "overrides",
    [
        {"gate.gamma_threshold": 1.5},
        {"gate.gamma_threshold": "high"},
        {"moment.buffer_size": 0},
        {"keyframes.mode": "magic"},
        {"proactive.quiet_from": "25:00"},
        {"gate.nothing": 1},
        {"nothing": 1},
    ],
)
def test_what_is_refused(overrides: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        load(environ={}, overrides=overrides)


def test_errors_name_the_place(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[gates]\ngamma_threshold = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"gates.*my\.toml"):
        load(file, {})
    file.write_text("[gate\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"my\.toml"):
        load(file, {})
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", {})
    with pytest.raises(ConfigError, match="PERSTREAM_GATE_GAMA"):
        load(environ={"PERSTREAM_GATE_GAMA": "1"})


def test_the_tree_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().gate.gamma_threshold = 0.5  # type: ignore[misc]


def test_every_setting_is_within_its_own_range() -> None:
    assert load(environ={}, overrides={}) == Config()


def test_the_settings_page_is_current() -> None:
    from perstream.lab.docs import DOCS, config_page

    assert (DOCS / "CONFIG.md").read_text(encoding="utf-8") == config_page(), "run python -m perstream.lab.docs"


def test_every_setting_says_what_it_means() -> None:
    from perstream.lab.docs import setting_texts

    texts = setting_texts()
    sections = [Config, *(type(getattr(Config(), f.name)) for f in dataclasses.fields(Config))]
    missing = [
        f"{section.__name__}.{f.name}"
        for section in sections
        if dataclasses.is_dataclass(section)
        for f in dataclasses.fields(section)
        if f.default is not dataclasses.MISSING and (section.__name__, f.name) not in texts
    ]
    assert not missing
