"""The extension in a stand-in for the WebUI, with the real CompVis UNet."""

from __future__ import annotations

import importlib

import host
import plain
import pytest
import torch

FRAMES, CONTEXT = 24, 8
SPOT = 13  # the one frame whose scale is not 0


@pytest.fixture
def script(shared):
    """The extension's script, without its page."""
    return host.load_script().WPlusScript()


def settings(**values):
    return {"enabled": True, "start": 0, **values}


ONE_FRAME = f"smile = {SPOT - 1}:(0), {SPOT}:(1), {SPOT + 1}:(0)"


class Probe:
    """The rows that reach the first cross-attention in the first step, and whose they are."""

    def __init__(self, unet, job):
        self.job, self.rows = job, []
        attention = unet.get_submodule(plain.compvis_paths()[0])
        self.handles = [
            unet.register_forward_pre_hook(self.arrive, with_kwargs=True),
            attention.register_forward_pre_hook(self.text, with_kwargs=True),
            attention.to_out[0].register_forward_hook(self.leave),  # sees what all pre-hooks made of f
        ]

    def arrive(self, module, args, kwargs):
        x = args[0]
        # In the first step a row's latent is its image's noise: that says whose it is, whatever the order.
        self.images = [(self.job.noise * 10 - row).flatten(1).abs().amax(1).argmin().item() for row in x]

    def text(self, module, args, kwargs):
        self.length = kwargs["context"].shape[1]
        start = self.job.text_negative[0, :5]
        self.negative = [torch.equal(row[:5], start) for row in kwargs["context"]]

    def leave(self, module, args, output):
        if self.job.step_number == 0:
            self.rows += [
                (image, negative, f.clone()) for image, negative, f in zip(self.images, self.negative, args[0])
            ]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


def first_step(shared, script, make_job, *args):
    job = make_job()
    job.step_number = 0
    before = job.before_step

    def before_step(step):
        job.step_number = step
        before(step)

    job.before_step = before_step
    with Probe(shared.sd_model.model.diffusion_model, job) as probe:
        out, _ = host.run(script, job, *args)
    return probe.rows, out


def changed_rows(shared, script, make_job, **values):
    """Which (image, negative) rows change at the first layer of the first step."""
    off, plain_out = first_step(shared, script, make_job, {"enabled": False})
    on, out = first_step(shared, script, make_job, settings(**values))
    assert [row[:2] for row in off] == [row[:2] for row in on], "the calls themselves must be the same"
    assert not torch.equal(plain_out, out)
    seen = {row[:2] for row in off}
    return {a[:2] for a, b in zip(off, on) if not torch.equal(a[2], b[2])}, seen


def options(shared, **values):
    for name, value in values.items():
        setattr(shared.opts, name, value)


CASES = {
    "windows": ({}, {}),
    "rows in two calls": ({"batch_cond_uncond": False}, {}),
    "no negative rows": ({"batch_cond_uncond": False}, {"skip": True}),
    "prompts of unequal length": ({"batch_cond_uncond": False}, {"lengths": (154, 77)}),
    "a longer negative prompt": ({"batch_cond_uncond": False}, {"lengths": (77, 231)}),
    "unequal length, padded": ({"pad_cond_uncond": True}, {"lengths": (154, 77)}),
    "AND": ({}, {"context": None, "parts": [1 + i % 3 for i in range(FRAMES)]}),
    "AND in several calls": ({"batch_cond_uncond": False}, {"context": None, "parts": [2] * FRAMES}),
    "AND, unequal length": ({}, {"context": None, "parts": [2] * FRAMES, "lengths": (154, 77)}),
    "no AnimateDiff": ({}, {"context": None}),
    "no AnimateDiff, unequal length": ({}, {"context": None, "lengths": (154, 77)}),
    "no AnimateDiff, no negative rows": ({}, {"context": None, "skip": True}),
}


@pytest.mark.parametrize("negative", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_exactly_the_frames_rows_change(shared, script, name, negative):
    chosen, changes = CASES[name]
    options(shared, **chosen)

    def make_job():
        job = host.Job(
            shared, FRAMES, **{"steps": 1, "context": CONTEXT, **{k: v for k, v in changes.items() if k != "skip"}}
        )
        if changes.get("skip"):
            job.skip_negative = lambda step: True
        return job

    changed, seen = changed_rows(shared, script, make_job, tracks=ONE_FRAME, negative=negative)
    wanted = {(SPOT, False), (SPOT, True)} if negative else {(SPOT, False)}
    assert changed == wanted & seen
    assert {image for image, _ in seen} == set(range(FRAMES))


def test_the_run_leaves_nothing_behind(shared, script):
    unet = shared.sd_model.model.diffusion_model
    plain_out, _ = host.run(script, host.Job(shared, 4), {"enabled": False})
    job = host.Job(shared, 4)
    out, processed = host.run(script, job, settings(tracks="smile = -0.7 > 0 > 0.7"))
    assert not torch.equal(out, plain_out)
    assert plain.hooks(unet) == 0 and shared.callbacks == [] and "sample" not in job.__dict__
    again, _ = host.run(script, job, {"enabled": False})  # the same job, as Loopback does
    assert torch.equal(again, plain_out)
    report = processed.extra_generation_params["WPlus report"]
    assert report["layers"] == 16 and report["branches"] == ["smile"] and report["edited_calls"] == 2
    assert "16 layers, 2 of 2 UNet calls edited" in processed.comments
    assert "WPlus report" not in job.extra_generation_params  # it is no setting


@pytest.mark.parametrize("values", [{"tracks": ""}, {"tracks": "smile = 0"}, {"tracks": "smile = 1", "strength": "0"}])
@pytest.mark.parametrize("mode", ["residual", "direct"])
def test_nothing_asked_is_bit_identical(shared, script, values, mode):
    plain_out, _ = host.run(script, host.Job(shared, 4), {"enabled": False})
    out, _ = host.run(script, host.Job(shared, 4), settings(mode=mode, **values))
    assert torch.equal(out, plain_out)


@pytest.mark.parametrize("context", [None, CONTEXT])
def test_direct_mode_and_identity(shared, script, context):
    outs = []
    for values in ({"mode": "direct", "identity": "anna"}, {"identity": "anna", "tracks": "smile = 0 > 4"}):
        out, processed = host.run(script, host.Job(shared, 12, context=context), settings(**values))
        assert processed.extra_generation_params["WPlus report"]["branches"] == ["anna"]
        outs.append(out)
    assert not torch.equal(*outs)


def test_exceptions_in_the_middle_of_sampling(shared, script):
    plain_out, _ = host.run(script, host.Job(shared, 4), {"enabled": False})
    job = host.Job(shared, 4, steps=3)

    def fail(step):
        if step == 1:
            assert plain.hooks(shared.sd_model.model.diffusion_model) == 17
            raise MemoryError("out of memory")

    job.before_step = fail
    with pytest.raises(MemoryError, match="^out of memory$"):  # as it was raised
        host.run(script, job, settings(tracks="smile = 1"))
    assert plain.hooks(shared.sd_model.model.diffusion_model) == 0 and shared.callbacks == []
    assert torch.equal(host.run(script, host.Job(shared, 4), {"enabled": False})[0], plain_out)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trcks": "smile = 1"}, "W\\+ Adapter: unknown field 'trcks'"),
        ({"tracks": "smyle = 1"}, "W\\+ Adapter: tracks, line 1: there is no direction 'smyle'"),
        ({"tracks": "smile = 1 2"}, "W\\+ Adapter: line 1, column 11: expected the end of the line"),
        ({"tracks": "smile = 3:(0), 100%:(1)"}, "two keys on frame 3 of 4"),
        ({"identity": "../anna"}, "W\\+ Adapter: latent '../anna' leaves the folder"),
        ({"adapter": "other"}, "W\\+ Adapter: there is no adapter 'other'"),
        ({"tracks": "smile = 1", "start": 0.9}, "W\\+ Adapter: none of the steps lies between start 0.9 and end 1"),
        ({"start": 2}, "W\\+ Adapter: start is 2"),
    ],
)
def test_what_is_wrong_reaches_the_person(shared, script, values, message):
    """The WebUI swallows exceptions in callbacks, and would show an unedited picture."""
    with pytest.raises(RuntimeError, match=message):
        host.run(script, host.Job(shared, 4), settings(**values))
    assert plain.hooks(shared.sd_model.model.diffusion_model) == 0 and shared.callbacks == []


def test_damaged_files_reach_the_person(shared, script, models):
    file = models / "wplus/adapters/wplus_adapter.bin"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(RuntimeError, match="W\\+ Adapter: .*wplus_adapter.bin: damaged or cut short"):
        host.run(script, host.Job(shared, 4), settings(tracks="smile = 1"))


def test_other_checkpoints_are_refused(shared, script, monkeypatch):
    import sys

    shared.sd_model.model.diffusion_model = plain.diffusers_unet(cross_attention_dim=64)
    with pytest.raises(RuntimeError, match="W\\+ Adapter: adapter 'wplus_adapter' does not fit this checkpoint"):
        host.run(script, host.Job(shared, 4), settings(tracks="smile = 1"))
    monkeypatch.setattr(sys.modules["modules.sd_unet"], "current_unet", object())
    with pytest.raises(RuntimeError, match="W\\+ Adapter: the UNet is replaced; set 'SD Unet' to None"):
        host.run(script, host.Job(shared, 4), settings(tracks="smile = 1"))


def test_a_refiner_is_followed(shared, script, compvis):
    """The checkpoint changes in the middle of a run: the edit moves over, or the run is refused."""
    other = plain.fill(plain.compvis_unet(), seed=5)

    def refined(unet):
        job = host.Job(shared, 4, steps=4)

        def switch(step):
            if step == 2:
                assert plain.hooks(compvis) in (0, 17)
                shared.sd_model.model.diffusion_model = unet

        job.before_step = switch
        return job

    plain_out, _ = host.run(script, refined(other), {"enabled": False})
    shared.sd_model.model.diffusion_model = compvis
    out, processed = host.run(script, refined(other), settings(tracks="smile = 1", start=0.5))
    assert not torch.equal(out, plain_out)  # only the second half is edited
    assert processed.extra_generation_params["WPlus report"]["edited_calls"] == 2
    assert plain.hooks(compvis) == plain.hooks(other) == 0
    shared.sd_model.model.diffusion_model = compvis
    with pytest.raises(RuntimeError, match="does not fit this checkpoint"):
        host.run(script, refined(plain.diffusers_unet(cross_attention_dim=64)), settings(tracks="smile = 1"))
    assert plain.hooks(compvis) == 0 and shared.callbacks == []


def test_rows_that_the_sampler_did_not_send_are_refused(shared, script):
    job = host.Job(shared, 4)

    def intrude(step):
        unet = shared.sd_model.model.diffusion_model
        unet(torch.zeros(1, 4, 8, 8), torch.zeros(1), context=torch.zeros(1, 77, plain.TEXT))

    job.before_step = intrude
    with pytest.raises(RuntimeError, match="W\\+ Adapter: a UNet call came with rows that the sampler did not send"):
        host.run(script, job, settings(tracks="smile = 1"))
    assert plain.hooks(shared.sd_model.model.diffusion_model) == 0


def test_a_sampler_that_never_reaches_the_unet_is_refused(shared, script):
    job = host.Job(shared, 4)
    job.steps = 0
    with pytest.raises(RuntimeError, match="went past the edit"):
        host.run(script, job, settings(tracks="smile = 1"))
    shared.state.interrupted = True
    host.run(script, job, settings(tracks="smile = 1"))  # an interrupt is no fault


def test_infotext_is_written_and_makes_the_same_again(shared, script):
    from wplus_ext.settings import from_infotext

    job = host.Job(shared, 4)
    out, _ = host.run(script, job, settings(tracks="smile = 0:(0), 3:(0.7):smooth\nage = 0.2", strength="0.5"))
    entries = {"Steps": 2, **{key: str(value) for key, value in job.extra_generation_params.items()}}
    assert entries["WPlus adapter"] == "wplus_adapter" and len(entries["WPlus adapter hash"]) == 10
    again, _ = host.run(script, host.Job(shared, 4), from_infotext(entries))
    assert torch.equal(out, again)


def test_entries_of_another_job_are_not_kept(shared, script):
    """Jobs of an X/Y/Z plot share their infotext's entries."""
    job = host.Job(shared, 4)
    host.run(script, job, settings(identity="anna"))
    assert job.extra_generation_params["WPlus identity"] == "anna"
    job.wplus_overrides = {"enabled": True, "identity": None, "tracks": "smile = 1"}
    host.run(script, job, settings(identity="anna"))
    assert "WPlus identity" not in job.extra_generation_params
    assert job.extra_generation_params["WPlus tracks"] == "smile = 1"
    job.wplus_overrides = {}
    host.run(script, job, {"enabled": False})
    assert not [key for key in job.extra_generation_params if key.startswith("WPlus")]


def test_adetailer_redraws_each_frame_with_its_own_scale(shared, script):
    """It runs the scripts again inside of a job, with a job of one image."""
    plain_out, _ = host.run(script, ad_inner(shared), {"enabled": False})
    outer, changed = host.Job(shared, 3, context=3), []

    def redraw():
        for outer.batch_index in range(3):
            # The page's own settings are others: the outer job is a cell of an X/Y/Z plot.
            out, _ = host.run(script, ad_inner(shared), settings(tracks="age = 1"))
            changed.append(not torch.equal(plain_out, out))

    host.run(script, outer, settings(tracks="smile = 0 > 0 > 1"), meanwhile=redraw)
    assert changed == [False, False, True]


def test_adetailer_alone_is_a_job_like_any_other(shared, script):
    """After the job around it has ended, nothing of that is left."""
    host.run(script, host.Job(shared, 3, context=3), settings(tracks="smile = 0 > 0 > 1"))
    plain_out, _ = host.run(script, ad_inner(shared), {"enabled": False})
    out, processed = host.run(script, ad_inner(shared), settings(tracks="age = 1"))
    assert not torch.equal(plain_out, out) and processed.extra_generation_params["WPlus tracks"] == "age = 1"


def ad_inner(shared):
    job = host.Job(shared, 1)
    job._ad_inner = True
    return job


def test_an_extension_that_wraps_sampling_once_more(shared, script):
    """Nothing of it is lost, and what it samples twice is edited once each."""
    wanted, _ = host.run(script, host.Job(shared, 4), settings(tracks="smile = 1"))
    job = host.Job(shared, 4)
    script.process(job, settings(tracks="smile = 1"))
    for _ in range(2):
        script.process_batch(job, batch_number=0)
        inner = job.sample
        job.sample = lambda inner=inner: (inner(), inner())
        with torch.no_grad():
            first, second = (out[0] if isinstance(out, tuple) else out for out in job.sample())
        assert torch.equal(first, wanted) and torch.equal(second, wanted)
    assert plain.hooks(shared.sd_model.model.diffusion_model) == 0


def test_a_short_second_pass_is_left_alone(shared, script):
    """A hires pass of one step has none after start: the first pass is not thrown away."""
    job = host.Job(shared, 4)
    once = host.Job.sample

    def two_passes():
        out = once(job)
        job.steps = 1
        once(job)
        return out

    job.sample = two_passes
    out, processed = host.run(script, job, settings(tracks="smile = 1", start=0.2))
    assert processed.extra_generation_params["WPlus report"]["edited_calls"] == 1


@pytest.mark.parametrize(
    ("length", "context", "batch", "frames"), [(16, 16, 16, 16), (5, 8, 8, 5), (24, 8, 24, 24), (0, 8, 8, 8)]
)
def test_the_number_of_frames(shared, script, length, context, batch, frames):
    webui = importlib.import_module("wplus_ext.hosts.webui.job")
    job = host.Job(shared, batch)
    job.extra_generation_params["AnimateDiff"] = f"model: x, video_length: {length}, fps: 8, batch_size: {context}"
    assert webui.frame_count(job) == frames
    job.batch_size = 3  # AnimateDiff is off in this job of the plot: the entry is an old one
    assert webui.frame_count(job) == 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_passports_survive_every_type(shared, dtype):
    passports = importlib.import_module("wplus_ext.hosts.webui.passports")
    rows = [(frame, bool(frame % 3)) for frame in (*range(300), 9_999, 123_456, 2_000_000)]
    text = torch.cat([torch.randn(len(rows), 77, 768), passports.passports(rows, torch.zeros(1, 1, 768))], 1)
    frames, negative = passports.read_passports(text.to(dtype))
    assert list(zip(frames, negative)) == rows
    with pytest.raises(RuntimeError, match="rows that the sampler did not send"):
        passports.read_passports(text[:, :-1])


def test_another_root_and_a_folder_that_cannot_be_made(shared, models, tmp_path, capsys):
    webui = importlib.import_module("wplus_ext.hosts.webui.folders")
    assert webui.model_roots() == [models / "wplus"]
    shared.opts.data["wplus_extra_folder"] = f" {tmp_path} "
    shared.cmd_opts.wplus_dir = str(tmp_path / "mine")
    assert webui.model_roots() == [tmp_path / "mine", tmp_path]
