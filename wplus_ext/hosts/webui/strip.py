"""The frames of a batch side by side, as the page shows them."""

from __future__ import annotations

import base64
import io

from PIL import Image

HEIGHT_OF_STRIP, WIDEST_STRIP = 192, 16_384  # pixels


class Strip:
    """The frames of a batch, small, for the strip under the curve and the picture with the regions."""

    def __init__(self) -> None:
        self._frames = 0
        self._pictures: list[Image.Image] = []

    def add(self, image: Image.Image, frames: int) -> None:
        """Keep a finished image, one of so many; those beyond them are AnimateDiff's, which it drops."""
        if len(self._pictures) == frames:
            return
        self._frames = frames
        scale = min(HEIGHT_OF_STRIP / image.height, WIDEST_STRIP / (max(frames, 1) * image.width))
        size = [max(int(side * scale), 1) for side in image.size]
        self._pictures.append(image.resize(size).convert("RGB"))

    def url(self) -> str | None:
        """All frames side by side, as the data URL of a JPEG; None where a frame is missing."""
        if not self._frames or len(self._pictures) != self._frames:
            return None
        width, height = self._pictures[0].size
        strip = Image.new("RGB", (width * self._frames, height))
        for i, picture in enumerate(self._pictures):
            strip.paste(picture, (i * width, 0))
        return data_url(strip)


def data_url(picture: Image.Image) -> str:
    """A picture as the data URL of a JPEG."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
