"""The script for several videos in a real WebUI: its videos are those of single runs, to the last bit."""

from __future__ import annotations

import pytest
from webui_api import PICTURE, VIDEO, Refused, picture

STEPS = {**VIDEO, "steps": 3}


def several(payload, *order):
    return {**payload, "script_name": "w+ compare and aim", "script_args": list(order)}


def cells(made):
    """The videos of a comparison, and the table before them."""
    table, *images = made.images
    counts = [video["images"] for video in made.info["extra_generation_params"]["WPlus videos"]]
    ends = [sum(counts[: i + 1]) for i in range(len(counts))]
    return [images[end - count : end] for count, end in zip(counts, ends)]


@pytest.mark.parametrize("start", [0, 0.5])  # with the latter, steps are shared
def test_two_by_three_videos_are_those_of_single_runs(webui, untouched, start):
    tracks = [f"{webui.direction} = {values}" for values in ("0.5", "0 > 1")]
    strengths = ["1", "0.5", "0:(0), 3:(2)"]
    order = {
        "rows": "tracks", "row_values": "\n".join(tracks), "columns": "strength", "column_values": "\n".join(strengths)
    }  # fmt: skip
    made = webui.make(several(STEPS, order), {"start": start})
    single = [
        webui.make(STEPS, {"tracks": track, "strength": strength, "start": start})
        for track in tracks
        for strength in strengths
    ]
    assert cells(made) == [webui.make(STEPS).images, *(one.images for one in single)]
    videos = made.info["extra_generation_params"]["WPlus videos"]
    assert [video["report"] for video in videos] == [None, *(one.report for one in single)]
    assert [video["shared_calls"] > 0 for video in videos] == [False, *[start > 0] * 6]
    untouched(video=False)


def test_pictures_of_other_pictures(webui, untouched):
    payload = {**PICTURE, "page": "img2img", "init_images": [picture(64)], "denoising_strength": 0.8, "batch_size": 2}
    edit = {"tracks": f"{webui.direction} = 0 > 1"}
    order = {"columns": "seed", "column_values": "1\n2", "unedited": False, "format": "gif"}
    made = webui.make(several(payload, order), edit)
    assert cells(made) == [webui.make({**payload, "seed": seed}, edit).images for seed in (1, 2)]
    untouched(video=False)


def test_a_draft_is_a_single_run(webui, untouched):
    edit, large = {"tracks": f"{webui.direction} = 0 > 1"}, {**VIDEO, "steps": 2, "width": 128, "height": 128}
    drafted = webui.make(several(large, {"mode": "Draft"}), edit)
    assert drafted.images == webui.make(VIDEO, edit).images
    assert drafted.info["extra_generation_params"]["WPlus script"] == "Draft"
    untouched(video=False)


@pytest.mark.parametrize(
    "order, words",
    [({"colums": "seed"}, "unknown field 'colums'"), ({"columns": "identity", "column_values": "../x"}, "../x")],
)
def test_faults_are_told(webui, order, words):
    with pytest.raises(Refused, match=words) as refused:
        webui.make(several(VIDEO, order), {})
    assert refused.value.status == 500 and refused.value.message.startswith("W+ Adapter: ")
