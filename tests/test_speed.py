"""The speed of files: read back with Pillow, with PyAV, and by a browser."""

from __future__ import annotations

import base64
from fractions import Fraction

import numpy as np
import pytest
from editor_page import CHROMIUM
from PIL import Image

from wplus_ext.__main__ import main
from wplus_ext.studio import video
from wplus_ext.studio.speed import rate_of, slowed

RATES = {
    0.5: "1/2",
    7.5: "15/2",
    8.0: "8",
    12.5: "25/2",
    23.976: "24000/1001",
    29.97: "30000/1001",
    59.94: "60000/1001",
}
FRAMES = 9
READ = """async ([kind, text]) => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    if (kind === "video/mp4") {
        const player = document.createElement("video");
        const loaded = new Promise((good, bad) => { player.onloadedmetadata = good; player.onerror = bad; });
        player.src = URL.createObjectURL(new Blob([bytes], {type: kind}));
        await loaded;
        return player.duration;
    }
    const decoder = new ImageDecoder({data: bytes, type: kind});
    await decoder.tracks.ready;
    await decoder.completed;
    let sum = 0;
    for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex++)
        sum += (await decoder.decode({frameIndex})).image.duration / 1e6;
    return sum;
}"""


def written(path, fps, pictures=range(FRAMES)):
    """A video of grey frames."""
    video.save(np.stack([np.full((32, 32, 3), 25 * i, np.uint8) for i in pictures]), path, fps, '{"shots": []}')
    return path


def shown(path):
    """Milliseconds of each frame that Pillow sees."""
    found = []
    with Image.open(path) as picture:
        for i in range(picture.n_frames):
            picture.seek(i)
            picture.load()
            found.append(picture.info["duration"])
    return found


@pytest.mark.parametrize(("fps", "exact"), [*RATES.items(), (23.98, "24000/1001"), (24.0, "24"), (0.1, "1/10")])
def test_what_is_meant_by_a_rate(fps, exact):
    assert rate_of(fps) == Fraction(exact) == rate_of(float(Fraction(exact)))


@pytest.mark.parametrize("fps", [*RATES, 0.1, 0.3, 100.0])
def test_an_mp4_is_exact(tmp_path, fps):
    av = pytest.importorskip("av")
    with av.open(str(written(tmp_path / "a.mp4", fps))) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate_of(fps)
        assert stream.duration * stream.time_base == FRAMES / rate_of(fps)
        assert [frame.pts * frame.time_base * rate_of(fps) for frame in container.decode(video=0)] == [*range(FRAMES)]


@pytest.mark.parametrize("fps", [*RATES, 100.0])
@pytest.mark.parametrize(("name", "part"), [("a.gif", 10), ("a.webp", 1)])
def test_rounded_times_add_up(tmp_path, name, part, fps):
    found, exact = shown(written(tmp_path / name, fps)), 1000 * FRAMES / rate_of(fps)
    assert len(found) == FRAMES and abs(sum(found) - exact) <= part / 2
    assert max(found) - min(found) <= part


@pytest.mark.parametrize(("name", "times"), [("a.gif", [250, 130, 120]), ("a.webp", [250, 125, 125])])
def test_equal_frames_are_shown_as_long(tmp_path, name, times):
    assert shown(written(tmp_path / name, 8, [0, 0, 1, 2])) == times


def test_a_picture_longer_than_a_gif_can_say(tmp_path):
    with pytest.raises(ValueError, match="lasts longer than a GIF can say; write .webp"):
        written(tmp_path / "a.gif", 0.1, [0] * 70)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "fps"), [(".gif", 50.1), (".webp", 91)])
def test_what_browsers_slow_down_is_said(ending, fps):
    assert f"browsers show {ending[1:].upper()} slower than {fps:g} frames a second" in slowed(ending, fps)


def test_render_says_so(tmp_path, capsys):
    given = ["--frames", "2", "--steps", "2", "--size", "16x16", "--guidance", "1", "--fps", "60"]
    assert main(["render", *given, "--out", str(tmp_path / "a.gif")]) == 0
    assert (
        "note: browsers show GIF slower than 60 frames a second; write .mp4, or take at most 50"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(("ending", "fps"), [(".gif", 50), (".webp", 90), (".mp4", 100), ("", 100)])
def test_of_others_nothing_is_said(tmp_path, ending, fps):
    assert slowed(ending, fps) == ""
    assert ending not in (".gif", ".webp") or min(shown(written(tmp_path / f"a{ending}", fps))) > 10


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_a_browser_shows_them_as_long(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    kinds = {".gif": "image/gif", ".webp": "image/webp", ".mp4": "video/mp4"}
    (tmp_path / "page.html").touch()
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=60_000)
        page = chromium.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        for fps in RATES:
            for ending, kind in kinds.items():
                data = base64.b64encode(written(tmp_path / f"a{ending}", fps).read_bytes()).decode()
                found, part = page.evaluate(READ, [kind, data]), {".gif": 0.005, ".webp": 0.0005}.get(ending, 1e-5)
                assert found == pytest.approx(float(FRAMES / rate_of(fps)), abs=part + 1e-6), (fps, ending)
        chromium.close()
