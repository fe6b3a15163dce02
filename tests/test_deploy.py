"""What is in deploy/ holds together: units, containers. Nothing is started here."""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from perstream.cli.service_units import HARDENING, RESTARTS
from perstream.settings import load

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
HADOLINT = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
@pytest.mark.parametrize("name", ["perstream.service", "perstream-user.service"])
def test_systemd_takes_the_unit(name: str, tmp_path: Path) -> None:
    """It says nothing at all: unknown keys and bad values are warnings only."""
    text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
    unit = tmp_path / "perstream.service"
    unit.write_text(text.replace("/opt/perstream/bin/python", sys.executable))
    where = ["--user"] if "user" in name else []
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "LC_ALL": "C.UTF-8"}
    found = subprocess.run(
        ["systemd-analyze", "verify", *where, str(unit)], capture_output=True, text=True, timeout=60, env=environment
    )
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_system_unit_is_locked_in(tmp_path: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager"]
    found = subprocess.run(
        [*command, str(DEPLOY / "systemd" / "perstream.service")],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    if "unrecognized option" in found.stderr:
        pytest.skip("this systemd-analyze is too old")
    assert found.returncode == 0, found.stdout.splitlines()[-1:]


def test_units_by_hand_are_as_those_that_are_made() -> None:
    user = _lines(DEPLOY / "systemd" / "perstream-user.service")
    system = _lines(DEPLOY / "systemd" / "perstream.service")
    assert set((HARDENING + "\n" + RESTARTS).splitlines()) <= set(user)
    loose = {"ProtectHome=read-only"}  # the system's own user has no business in any home
    assert set((HARDENING + "\n" + RESTARTS).splitlines()) - loose <= set(system)
    for line in ("Type=notify", "MemoryMax=75%", "CapabilityBoundingSet=", "ProtectHome=yes"):
        assert line in system


def test_the_agent_is_a_property_list() -> None:
    agent = plistlib.loads((DEPLOY / "launchd" / "org.perstream.perstream.plist").read_bytes())
    assert agent["ProgramArguments"][1:4] == ["-m", "perstream", "serve"] and agent["KeepAlive"] == {
        "SuccessfulExit": False
    }


@pytest.mark.skipif(HADOLINT is None, reason="no hadolint here")
def test_the_dockerfile_is_clean() -> None:
    assert HADOLINT is not None
    found = subprocess.run([HADOLINT, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_is_pinned_and_nobody_special_runs_in_it() -> None:
    assert re.search(r"^ARG PYTHON=3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.M)
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", last, re.M) and "HEALTHCHECK" in last and "COPY --from=build" in last
    setup = (ROOT / "scripts" / "setup.sh").read_text(encoding="utf-8")
    for package in re.findall(r"--no-deps (\S+) (\S+)", DOCKERFILE)[0]:
        assert f'"{package}"' in setup, f"{package} is not the version that setup.sh installs"
    extras = re.findall(r"\bEXTRAS[=:] ?([\w,]+)$", DOCKERFILE + (DEPLOY / "compose.gpu.yaml").read_text(), re.M)
    known = set(re.findall(r'^        "(\w+)": ', (ROOT / "setup.py").read_text(encoding="utf-8"), re.M))
    assert len(extras) == 2 and {name for found in extras for name in found.split(",")} <= known


def test_what_the_image_is_built_from_is_let_in() -> None:
    ignore = [line for line in _lines(ROOT / ".dockerignore") if line and not line.startswith("#")]
    assert ignore[0] == "*"
    wanted = [word for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.M) for word in line.split()]
    assert len(wanted) >= 4
    for name in wanted:
        assert f"!{name}" in ignore and (ROOT / name).exists()


def test_settings_of_containers_are_settings() -> None:
    image = dict(re.findall(r"(PERSTREAM_\w+)=(\S+)", DOCKERFILE))
    config = load(environ=image)
    assert config.server.host == "0.0.0.0" and config.server.allow_remote and config.store == "/data/store"
    for path in COMPOSE:
        service = yaml.safe_load(path.read_text(encoding="utf-8"))["services"].get("perstream", {})
        own = {key: value for key, value in service.get("environment", {}).items() if key.startswith("PERSTREAM_")}
        load(environ={**image, **own})


def _services() -> list[tuple[str, str, dict[str, Any]]]:
    read = [(path.name, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in COMPOSE]
    return [(file, name, service) for file, data in read for name, service in data["services"].items()]


@pytest.mark.parametrize(("file", "name", "service"), _services())
def test_containers_are_reached_from_this_machine_alone(file: str, name: str, service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert not {"privileged", "network_mode", "pid", "ipc", "userns_mode"} & set(service)
    image = service.get("image", "x:1")
    assert ":" in image and not image.endswith(":latest")
    if ("image" in service and "build" not in service) or file == "compose.yaml":
        assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert not source.startswith("/"), "nothing of the host but what lies here"
        assert not source.startswith(".") or (DEPLOY / source).exists(), volume


def test_named_volumes_and_secrets_are_declared() -> None:
    data = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in COMPOSE]
    declared = {name for one in data for part in ("volumes", "secrets") for name in one.get(part, {})}
    for _, _, service in _services():
        used = {v.split(":")[0] for v in service.get("volumes", ()) if not v.startswith(".")}
        assert used | set(service.get("secrets", ())) <= declared
    rules = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert all((DEPLOY / "prometheus" / name).exists() for name in rules["rule_files"])
    (scrape,) = rules["scrape_configs"]
    assert scrape["authorization"]["credentials_file"] == "/run/secrets/metrics_token"
    main = next(s for f, n, s in _services() if f == "compose.yaml")
    target = scrape["static_configs"][0]["targets"][0].split(":")[0]
    assert target in main["environment"]["PERSTREAM_SERVER_NAMES"].split(","), "it would be refused by its Host header"
