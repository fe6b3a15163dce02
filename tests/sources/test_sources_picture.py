"""AvPicture: every pixel format, upright, never upscaled, colours right."""

import av
import numpy as np
import pytest

from perstream.sources.picture import AvPicture
from perstream.types import ArrayPicture

FORMATS = (
    "yuv420p yuvj420p yuv422p yuv444p nv12 gray yuv420p10le yuv422p12le p010le gray10le yuyv422 rgb24 bgr0 bgra gbrp"
).split()


def picture_of(pixels: np.ndarray, pixel_format: str = "yuv420p", turns: int = 0) -> AvPicture:
    return AvPicture(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format), turns)


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", [(64, 48), (35, 27)])
def test_every_format_gives_gray_and_rgb(pixel_format: str, size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.full((height, width, 3), 30, np.uint8)
    pixels[:, width // 2 :] = 220
    picture = picture_of(pixels, pixel_format)
    gray, rgb = picture.gray(20), picture.rgb(20)
    assert gray.dtype == rgb.dtype == np.uint8
    assert gray.shape[1] <= 20
    assert max(rgb.shape[:2]) == 20
    assert rgb.shape[2] == 3
    assert gray[:, -2:].mean() - gray[:, :2].mean() > 130
    assert rgb[:, -2:].mean() == pytest.approx(220, abs=8)
    assert rgb[:, :2].mean() == pytest.approx(30, abs=8)


def test_colours_survive() -> None:
    rgb = picture_of(np.full((48, 64, 3), (200, 40, 90), np.uint8)).rgb(64)
    assert np.abs(rgb.astype(int) - (200, 40, 90)).max() < 6


def test_high_definition_without_a_matrix_is_bt709() -> None:
    pixels = np.full((720, 1280, 3), (200, 40, 90), np.uint8)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p", dst_colorspace="ITU709")
    frame.colorspace = 2  # unspecified
    assert np.abs(AvPicture(frame).rgb(100).astype(int) - (200, 40, 90)).max() < 6


@pytest.mark.parametrize("width", [640, 333, 112, 20, 4])
def test_gray_is_the_mean_of_blocks(width: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (90, 320, 3), np.uint8)
    picture = picture_of(pixels, "gray")
    gray = picture.gray(width)
    assert 1 <= gray.shape[1] <= min(width, 320)
    factor = 320 // gray.shape[1]
    exact = picture.gray(320)[: gray.shape[0] * factor, : gray.shape[1] * factor].astype(float)
    exact = exact.reshape(gray.shape[0], factor, gray.shape[1], factor).mean(axis=(1, 3))
    assert np.abs(gray - exact).mean() < 255 / 3 / factor + 1  # every second row is enough for large blocks


def test_nothing_is_upscaled_and_results_own_their_memory() -> None:
    picture = picture_of(np.full((48, 64, 3), 90, np.uint8))
    assert picture.gray(5000).shape == (48, 64)
    assert picture.rgb(5000).shape == (48, 64, 3)
    first = picture.gray(64)
    first[:] = 0
    assert picture.gray(64).min() > 0


@pytest.mark.parametrize(("turns", "bright"), [(0, "left"), (1, "bottom"), (2, "right"), (3, "top")])
def test_turned_upright(turns: int, bright: str) -> None:
    pixels = np.full((48, 64, 3), 20, np.uint8)
    pixels[:, :32] = 230
    picture = picture_of(pixels, turns=turns)
    assert (picture.width, picture.height) == ((64, 48) if turns % 2 == 0 else (48, 64))
    for image in (picture.gray(1000), picture.rgb(1000)[:, :, 0]):
        assert image.shape == (picture.height, picture.width)
        edges = {"left": image[:, 2], "right": image[:, -3], "top": image[2], "bottom": image[-3]}
        flat = {name: line.mean() for name, line in edges.items()}
        assert max(flat, key=lambda name: flat[name]) == bright


def test_agrees_with_a_picture_that_is_an_array() -> None:
    pixels = np.full((480, 640, 3), 30, np.uint8)
    pixels[:240, :320] = 200
    ours, reference = picture_of(pixels, "gray").gray(80), ArrayPicture(pixels).gray(80)
    assert ours.shape == reference.shape
    assert np.abs(ours.astype(int) - reference).max() <= 2


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (321, 181), (64, 48)])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.3])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p"])
def test_the_fast_conversion_agrees_with_ffmpeg(size: tuple[int, int], share: float, pix_fmt: str) -> None:
    from av.video.frame import VideoFrame

    from perstream.sources.yuv import is_bt709, planes_to_rgb

    smooth = np.linspace(0, 255, size[0] * size[1] * 3).reshape(size[1], size[0], 3).astype(np.uint8)
    smooth[size[1] // 3 : size[1] // 2, size[0] // 4 : size[0] // 2] = (220, 40, 30)
    frame = VideoFrame.from_ndarray(smooth, format="rgb24").reformat(format=pix_fmt)
    width, height = max(1, round(size[0] * share)), max(1, round(size[1] * share))
    matrix = "ITU709" if is_bt709(frame) else "ITU601"
    expected = frame.reformat(width, height, "rgb24", src_colorspace=matrix, interpolation="AREA").to_ndarray()
    difference = np.abs(planes_to_rgb(frame, width, height).astype(int) - expected)
    assert difference.mean() < 3.0
    assert np.percentile(difference, 95) < 8
