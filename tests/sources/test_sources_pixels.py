"""Pictures that are arrays already."""

import numpy as np

from perstream.sources.pixels import PixelPicture


def test_it_is_made_small_by_area_and_never_large() -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[:, ::2] = 200
    picture = PixelPicture(pixels)
    assert (picture.width, picture.height) == (200, 100)
    assert picture.rgb(50).shape == (25, 50, 3) and abs(int(picture.rgb(50)[5, 5, 0]) - 100) <= 1
    assert picture.gray(100).shape == (50, 100) and abs(int(picture.gray(100)[9, 9]) - 100) <= 1
    assert picture.rgb(999).shape == (100, 200, 3) and picture.gray(999).shape == (100, 200)
    assert PixelPicture(np.full((1, 500, 3), 9, np.uint8)).rgb(10).shape == (1, 10, 3)
