"""The floors of the house: every module has one, and imports go down."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "perstream"
ORGANS = ("sources", "keyframes", "perception", "models", "memory", "privacy", "imports")
WORDS = (
    "types",
    "errors",
    "config",
    "config_privacy",
    "config_upkeep",
    "settings",
    "categories",
    "vectors",
    "protocols",
    "events",
    "jsonlines",
    "observations",
    "spelling",
    "textblocks",
    "when",
    "whenread",
    "whenwords",
    "version",
    "places",
    "speech",
    "reminders",
    "origins",
)
FLOORS = {
    **dict.fromkeys(WORDS, 1),
    **dict.fromkeys(ORGANS, 2),
    "assistant": 3,
    "app": 4,
    "daemon": 4,
    "cli": 5,
    "web": 5,
    "research": 5,
    "__main__": 6,
    "": 5,  # the package itself: public names, loaded on demand
    "lab": 6,
}
ONLY_IN = {
    "torch": ("models", "lab"),
    "transformers": ("models", "lab"),
    "peft": ("models", "lab"),
    "bitsandbytes": ("models", "lab"),
    "accelerate": ("models", "lab"),
    "openai": ("models", "lab"),
    "sentence_transformers": ("models", "lab"),
    "cv2": ("sources", "keyframes", "perception", "lab"),
    "av": ("sources", "lab"),
    "sqlite3": ("memory",),
    "sqlcipher3": ("memory",),
    "keyring": ("memory",),
    "icalendar": ("imports",),
    "vobject": ("imports",),
    "mcp": ("web",),
    "prometheus_client": ("web",),
    "schemathesis": (),
    "fastapi": ("web",),
    "starlette": ("web",),
    "uvicorn": ("web",),
    "typer": ("cli", "lab"),
}
MODULES = sorted(SRC.rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, whether it is imported inside a function) for every import that runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    inside = {
        id(node)
        for f in ast.walk(tree)
        if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(f)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where things come from"
            assert node.module is not None
            yield node.module, id(node) in inside
            for alias in node.names:
                if (SRC.parent / Path(*node.module.split("."), alias.name)).with_suffix(".py").exists():
                    yield f"{node.module}.{alias.name}", id(node) in inside


def own_imports(path: Path) -> set[str]:
    return {name for name, _ in imports(path) if name == "perstream" or name.startswith("perstream.")}


def test_every_module_has_a_floor() -> None:
    rooms = {room(module_name(path)) for path in MODULES}
    assert rooms <= set(FLOORS), f"without a floor: {rooms - set(FLOORS)}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_go_down(path: Path) -> None:
    here = room(module_name(path))
    for name in own_imports(path):
        there = room(name)
        if there == here or name == "perstream":
            continue
        if here in WORDS and there in WORDS:
            continue  # one floor; test_no_import_circles keeps their order
        if here == "cli" and there == "lab":
            continue  # the bench and eval commands are doors to the lab
        if here == "cli" and there == "web":
            continue  # serve and the client of a running daemon
        if here == "" or (here == "research" and there == "app"):
            continue
        assert FLOORS[there] < FLOORS[here] or (here, there) == ("app", "daemon"), f"{module_name(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_heavy_and_special_libraries_stay_in_their_rooms(path: Path) -> None:
    for name, _ in imports(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        assert allowed is None or room(module_name(path)) in allowed, f"{module_name(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_print_only_in_cli_and_lab(path: Path) -> None:
    if room(module_name(path)) in ("cli", "lab"):
        return
    calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]


def test_no_import_circles() -> None:
    modules = {module_name(path): own_imports(path) for path in MODULES}
    graph = {name: {n for n in found if n in modules and n != name} for name, found in modules.items()}
    # A package's own __init__ that re-exports is met on the way to its modules; it is no circle.
    packages = {module_name(path) for path in MODULES if path.name == "__init__.py"}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"circle: {' -> '.join((*way[way.index(name) :], name))}"
        if name in done:
            return
        for other in graph[name]:
            if not (other in packages and name.startswith(other + ".")):
                visit(other, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_no_function_level_import_hides_an_upward_one() -> None:
    """Late imports are for heavy libraries and for doors; inside the house they hide the plan."""
    allowed_rooms = {"cli", "lab", ""}
    for path in MODULES:
        if room(module_name(path)) in allowed_rooms:
            continue
        late = [name for name, inside in imports(path) if inside and name.startswith("perstream")]
        assert not late, f"{module_name(path)} hides imports of {late} in a function"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_pickle_and_no_eval(path: Path) -> None:
    names = {name.split(".")[0] for name, _ in imports(path)}
    assert not names & {"pickle", "marshal", "shelve", "dill", "joblib"}
    calls = [
        n.func.id
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    ]
    assert not {"eval", "exec"} & set(calls)


def test_files_stay_readable() -> None:
    long = {module_name(p): n for p in MODULES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 300}
    assert set(long) <= {"perstream.types", "perstream.daemon.pipeline"}, f"split by concept: {long}"


@pytest.mark.parametrize("statement", ["import perstream", "import perstream.cli.main"])
def test_importing_is_light(statement: str) -> None:
    heavy = (
        "numpy",
        "torch",
        "cv2",
        "av",
        "onnxruntime",
        "rapidocr",
        "networkx",
        "fastapi",
        "transformers",
        "peft",
        "openai",
        "matplotlib",
    )
    code = f"{statement}; import sys; print([m for m in {heavy!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
