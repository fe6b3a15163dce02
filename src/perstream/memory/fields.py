"""Checked values out of parsed JSON: what a file from elsewhere says is believed only when it has the right form."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perstream.memory.columns import to_datetime, to_micros

MAX_INTEGER = 2**53
"""Larger ones do not survive other programs' JSON."""
_FLOATS = ("<f2", "<f4")
_INTEGERS = ("|i1",)


class Fields:
    """One JSON object. Every method raises ValueError with words that name the field."""

    def __init__(self, values: object, known: Collection[str]) -> None:
        """A field that is not ``known`` is refused: to leave it out in silence would lose it."""
        if not isinstance(values, dict):
            raise ValueError("it is no JSON object")
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"field {unknown[0][:40]!r} is not known")
        self._values: Mapping[str, Any] = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def is_null(self, name: str) -> bool:
        """Is it there, to say that there is none?"""
        return name in self._values and self._values[name] is None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there."""
        found = self.text_or_none(name)
        if found is None:
            found = default
        if found is None:
            raise ValueError(f"{name!r} is missing")
        return found

    def text_or_none(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ValueError(f"{name!r} is no text")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{name!r} holds half a character (a lone surrogate)") from error
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number, as written (1 stays an int)."""
        found = self.number_or_none(name)
        if found is None:
            found = default
        if found is None:
            raise ValueError(f"{name!r} is missing")
        return found

    def number_or_none(self, name: str) -> float | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{name!r} is no number")
        if (isinstance(value, int) and abs(value) > MAX_INTEGER) or not math.isfinite(value):
            raise ValueError(f"{name!r} is out of range")
        return value

    def whole(self, name: str, default: int | None = None, low: int = 0) -> int:
        """An integer from ``low`` to MAX_INTEGER."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{name!r} is no integer")
        if not low <= value <= MAX_INTEGER:
            raise ValueError(f"{name!r} is out of range")
        return value

    def whole_or_none(self, name: str, low: int = 0) -> int | None:
        return None if self._values.get(name) is None else self.whole(name, low=low)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise ValueError(f"{name!r} is neither true nor false")
        return value

    def micros(self, name: str) -> int:
        """An ISO time as microseconds since 1970 UTC; without a zone it is UTC."""
        found = self.micros_or_none(name)
        if found is None:
            raise ValueError(f"{name!r} is missing")
        return found

    def micros_or_none(self, name: str) -> int | None:
        value = self.text_or_none(name)
        if value is None:
            return None
        try:
            micros = to_micros(datetime.fromisoformat(value.replace("Z", "+00:00")))
            to_datetime(micros)  # the last day of the year 9999 in the west is none in UTC
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{name!r} is no ISO time") from error
        return micros

    def rows(self, name: str) -> list[Any]:
        """A list; [] when it is not there."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ValueError(f"{name!r} is no list")
        return value

    def blob(self, name: str) -> bytes | None:
        """Bytes in base64."""
        text = self.text_or_none(name)
        if text is None:
            return None
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"{name!r} is no base64") from error

    def floats(self, name: str, axes: int) -> NDArray[np.float16] | None:
        """An array of finite numbers with so many axes, in half precision."""
        found = self._array(name, axes, _FLOATS, ())
        if found is None:
            return None
        with np.errstate(over="ignore"):
            halves = found.astype(np.float16)
        if not np.isfinite(halves).all():
            raise ValueError(f"{name!r} holds what is no number in half precision")
        return halves

    def codes(self, name: str) -> tuple[NDArray[np.int8], float] | None:
        """Token codes [tokens, dimension] and their scale."""
        found = self._array(name, 2, _INTEGERS, ("scale",))
        if found is None:
            return None
        scale = Fields(self._values[name], self._values[name]).number("scale")
        return found.astype(np.int8), scale

    def _array(self, name: str, axes: int, kinds: Collection[str], more: Collection[str]) -> NDArray[Any] | None:
        if self._values.get(name) is None:
            return None
        try:
            fields = Fields(self._values[name], ("dtype", "shape", "data", *more))
            kind, shape, data = fields.text("dtype"), fields.rows("shape"), fields.blob("data")
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from error
        if kind not in kinds:
            raise ValueError(f"{name!r} has dtype {kind[:20]!r}, not {' or '.join(kinds)}")
        if len(shape) != axes or not all(type(n) is int and 0 < n <= MAX_INTEGER for n in shape):
            raise ValueError(f"{name!r} does not have {axes} axes")
        wanted = math.prod(shape) * np.dtype(kind).itemsize
        if data is None or len(data) != wanted:
            raise ValueError(f"{name!r} has {len(data or b'')} bytes, its shape wants {wanted}")
        return np.frombuffer(data, np.dtype(kind)).reshape(shape)


def pack(values: NDArray[Any]) -> dict[str, Any]:
    """An array as {"dtype", "shape", "data"}: little-endian bytes in base64."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return {"dtype": little.dtype.str, "shape": list(values.shape), "data": pack_bytes(little.tobytes())}


def pack_bytes(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
