"""Which observers can run on this machine, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perstream.errors import BackendUnavailable
from perstream.perception.sessions import FACE_CASCADES, model_file, package_folder


@dataclass(frozen=True, slots=True)
class Capability:
    """One observer on this machine."""

    name: str
    """As in the ``perception`` settings."""
    available: bool
    reason: str
    """What it runs on, or what is missing and what to do about it."""


def capabilities() -> tuple[Capability, ...]:
    """Look without loading a model: files and packages only."""
    return tuple(_checked(name, look) for name, look in _CHECKS.items())


def _checked(name: str, look: Callable[[], str]) -> Capability:
    try:
        return Capability(name, True, look())
    except BackendUnavailable as error:
        return Capability(name, False, str(error))


def _text() -> str:
    package_folder("onnxruntime")
    detector = model_file("rapidocr", "models/*_det_small.onnx")
    recogniser = model_file("rapidocr", "models/*_rec_small.onnx")
    return f"{detector.stem} and {recogniser.stem} from the package rapidocr"


def _codes() -> str:
    package_folder("cv2")
    return "OpenCV's QR and bar code decoders"


def _people() -> str:
    for name in FACE_CASCADES:
        model_file("cv2", f"data/{name}")
    return "OpenCV's Haar cascades: faces from the front"


def _pictures() -> str:
    package_folder("cv2")
    return "OpenCV"


def _speech() -> str:
    package_folder("onnxruntime")
    return f"{model_file('silero_vad', 'data/silero_vad_16k_op15.onnx').stem} from the package silero_vad"


_CHECKS: dict[str, Callable[[], str]] = {
    "text": _text,
    "codes": _codes,
    "people": _people,
    "color": _pictures,
    "light": _pictures,
    "motion": _pictures,
    "place": _pictures,
    "speech": _speech,
}
