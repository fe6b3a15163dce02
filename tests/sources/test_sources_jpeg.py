"""JPEG pictures from elsewhere."""

import cv2
import numpy as np
import pytest

from perstream.errors import SourceError
from perstream.sources.jpeg import decode_jpeg, jpeg_size

RED = np.zeros((48, 64, 3), np.uint8)
RED[..., 2] = 250  # BGR, as cv2 writes
JPEG = bytes(cv2.imencode(".jpg", RED)[1])


def test_a_picture_comes_out_in_its_colours() -> None:
    rgb = decode_jpeg(JPEG)
    assert rgb.shape == (48, 64, 3) and rgb.dtype == np.uint8
    assert rgb[20, 20, 0] > 240 and rgb[20, 20, 2] < 10
    assert jpeg_size(JPEG) == (64, 48)


def test_a_claim_of_a_huge_picture_is_not_decoded() -> None:
    at = JPEG.index(b"\xff\xc0")
    huge = JPEG[: at + 5] + b"\xff\xff\xff\xff" + JPEG[at + 9 :]
    assert jpeg_size(huge) == (65535, 65535)
    with pytest.raises(SourceError, match="65535 x 65535"):
        decode_jpeg(huge)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00" * 9, JPEG[:30], b"\xff\xd8" + b"\xff" * 99]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError):
        decode_jpeg(data)
