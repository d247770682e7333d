"""What the miniature learns, stage by stage.

One after the other: an autoencoder of the drawn faces; the UNet with its text encoder; the adapter, with the
UNet frozen, as the W+ Adapter trains it; the motion modules, with the UNet frozen, as AnimateDiff trains
them; the autoencoder's decoder once more; and the reader that measures factors in pictures. What a step
sees follows from the seed and the step's number alone, so a run that was stopped goes on where it
was, as if it had not been.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UNetMotionModel
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from tqdm import tqdm
from transformers import CLIPTextModel, CLIPTokenizer

from ..edit.sites import find_sites
from . import models, world
from .trainer import Trainer, save

PICTURES, CLIPS, CLIP_FRAMES = 24_576, 1_024, 16


def autoencoder(trainer: Trainer) -> AutoencoderKL:
    """The autoencoder, with the scaling factor that gives its latents a deviation of 1."""
    vae = models.autoencoder().to(trainer.device)

    def loss(generator: torch.Generator) -> Tensor:
        pictures = world.draw(*world.faces(24, generator)).to(trainer.device)
        with trainer.autocast():
            posterior = vae.encode(pictures).latent_dist
            again = vae.decode(posterior.sample()).sample.float()
        return (again - pictures).abs().mean() + mse_loss(again, pictures) + 2e-6 * posterior.kl().mean()

    trainer.fit("autoencoder", vae, loss, 1500, 1.5e-3)
    with torch.no_grad():
        pictures = world.draw(*world.faces(256, torch.Generator().manual_seed(trainer.seed))).to(trainer.device)
        vae.register_to_config(scaling_factor=round(1 / float(vae.encode(pictures).latent_dist.mean.std()), 4))
    return vae


def unet(trainer: Trainer, vae: AutoencoderKL, tokens: CLIPTokenizer) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    """The UNet and its text encoder; one caption of ten is left out."""
    unet, text = (
        models.unet().to(trainer.device, memory_format=torch.channels_last),
        models.text_encoder(tokens).to(trainer.device),
    )
    factors, pose = world.faces(trainer.short(PICTURES), torch.Generator().manual_seed(trainer.seed))
    x = _encode(trainer, vae, factors, pose, "pictures")

    def loss(generator: torch.Generator) -> Tensor:
        pick = torch.randint(len(x), (32,), generator=generator)
        return _denoise(unet, x[pick], _text(text, tokens, factors[pick], generator), generator)

    trainer.fit("unet", nn.ModuleList([unet, text]), loss, 4500, 1e-3)
    return unet, text


def motion(
    trainer: Trainer, vae: AutoencoderKL, tokens: CLIPTokenizer, unet: UNet2DConditionModel, text: CLIPTextModel
) -> UNetMotionModel:
    """The motion modules, on clips; all else is frozen."""
    moving = UNetMotionModel.from_unet2d(unet, models.motion_adapter()).to(trainer.device)
    moving.freeze_unet2d_params()
    count = trainer.short(CLIPS)
    factors, pose = world.clips(count, CLIP_FRAMES, torch.Generator().manual_seed(trainer.seed + 1))
    x = _encode(trainer, vae, factors.flatten(0, 1), pose.flatten(0, 1), "clips").unflatten(0, (count, CLIP_FRAMES))

    def loss(generator: torch.Generator) -> Tensor:
        pick = torch.randint(count, (2,), generator=generator)
        words = _text(text, tokens, factors[pick, 0], generator).repeat_interleave(CLIP_FRAMES, 0)
        return _denoise(moving, x[pick].transpose(1, 2), words, generator)

    trainer.fit("motion", moving, loss, 2400, 1e-3)
    return moving


def adapter(
    trainer: Trainer, vae: AutoencoderKL, tokens: CLIPTokenizer, unet: UNet2DConditionModel, text: CLIPTextModel
) -> models.TrainedAdapter:
    """The adapter: mapper and residual attentions learn, the UNet is frozen, lambda is 1, and one latent of
    ten is zero. It never sees a direction alone."""
    space, sites = world.LatentSpace.make(), find_sites(unet)
    trained = models.TrainedAdapter(sites).to(trainer.device)
    count = trainer.short(PICTURES // 4)
    factors, pose = world.variants(count, torch.Generator().manual_seed(trainer.seed + 2))
    x = _encode(trainer, vae, factors.flatten(0, 1), pose.flatten(0, 1), "variants").unflatten(0, (count, 4))
    alphas = models.scheduler().alphas_cumprod

    def loss(generator: torch.Generator) -> Tensor:
        pick = torch.randint(count, (8,), generator=generator)
        clean, faces = x[pick].flatten(0, 1), factors[pick].flatten(0, 1)
        w = space.latents(faces, generator)
        w = w * (torch.rand(8, 1, 1, generator=generator) >= 0.1).repeat_interleave(4, 0)
        words = _text(text, tokens, faces, generator)
        t = torch.randint(100, 1000, (8,), generator=generator).repeat_interleave(4)
        noise = torch.randn(8, *clean.shape[1:], generator=generator).repeat_interleave(4, 0).to(clean)
        a = alphas[t].view(-1, 1, 1, 1).to(clean)
        noisy, t = a.sqrt() * clean + (1 - a).sqrt() * noise, t.to(trainer.device)
        with torch.no_grad():
            before = unet(noisy, t, words).sample - noise
        with _attached(trained, sites, trained.w_proj(w.to(trainer.device))):
            after = unet(noisy, t, words).sample - noise
        return _relative(after.unflatten(0, (8, 4)), before.unflatten(0, (8, 4)))

    trainer.fit("adapter", trained, loss, 6000, 1e-3)
    return trained


def decoder(trainer: Trainer, vae: AutoencoderKL) -> None:
    """The autoencoder's decoder once more, for sharper lines; what it decodes stays what it was."""
    vae.decoder.requires_grad_(True)

    def loss(generator: torch.Generator) -> Tensor:
        pictures = world.draw(*world.faces(24, generator)).to(trainer.device)
        with trainer.autocast():
            with torch.no_grad():
                latents = vae.encode(pictures).latent_dist.sample()
            error = vae.decode(latents).sample.float() - pictures
        edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        return error.abs().mean() + error.square().mean() + edges

    trainer.fit("decoder", vae, loss, 1000, 1e-3)


def reader(trainer: Trainer, vae: AutoencoderKL) -> models.Reader:
    """The reader, half on drawings and half on what the autoencoder makes of them, with factors up to 1.5."""
    reader = models.Reader().to(trainer.device)

    def loss(generator: torch.Generator) -> Tensor:
        factors, pose = world.faces(32, generator)
        factors[:, :4] = (torch.rand(32, 4, generator=generator) * 2 - 1) * 1.5
        pictures = world.draw(factors, pose).to(trainer.device)
        with torch.no_grad(), trainer.autocast():
            pictures[::2] = vae(pictures[::2]).sample.float()
        noise = torch.randn(pictures.shape, generator=generator) * 0.1 * torch.rand(32, 1, 1, 1, generator=generator)
        return mse_loss(reader(pictures + noise.to(pictures)), torch.cat([factors, pose], 1).to(pictures))

    trainer.fit("reader", reader, loss, 1800, 2e-3)
    return reader


@contextmanager
def _attached(trained: models.TrainedAdapter, sites: list, tokens: Tensor) -> Iterator[None]:
    """The residual in each cross-attention, so that its weights get gradients."""
    with ExitStack() as stack:
        for site, attention in zip(sites, trained.wplus_adapter.values(), strict=True):

            def add(module: nn.Module, args: tuple, attention: nn.Module = attention) -> tuple:
                return (attention(args[0], tokens), *args[1:])

            stack.callback(site.output.register_forward_pre_hook(add).remove)
        yield


@torch.no_grad()
def _encode(trainer: Trainer, vae: AutoencoderKL, factors: Tensor, pose: Tensor, what: str) -> Tensor:
    """Latents (B, 4, 16, 16) of drawn faces, as the UNet sees them; kept in the work folder."""
    path = trainer.folder / f"{what}.pt"
    if not path.exists():
        latents = []
        for i in tqdm(range(0, len(factors), 64), desc=f"encoding {what}", disable=None):
            pictures = world.draw(factors[i : i + 64], pose[i : i + 64]).to(trainer.device)
            with trainer.autocast():
                latents.append(vae.encode(pictures).latent_dist.mean.float() * vae.config.scaling_factor)
        save(torch.cat(latents), path)
    return torch.load(path, map_location=trainer.device, weights_only=True)


def _text(text: CLIPTextModel, tokens: CLIPTokenizer, factors: Tensor, generator: torch.Generator) -> Tensor:
    """The captions of faces, (B, 24, text); one of ten is empty."""
    captions = world.captions(factors, generator)
    kept = torch.rand(len(captions), generator=generator) >= 0.1
    captions = [caption if keep else "" for caption, keep in zip(captions, kept)]
    ids = tokens(
        captions, padding="max_length", max_length=models.WORDS, truncation=True, return_tensors="pt"
    ).input_ids
    return text(ids.to(text.device))[0]


def _denoise(unet: nn.Module, x: Tensor, words: Tensor, generator: torch.Generator) -> Tensor:
    """The loss of one noise level for each of ``x``, weighted like an error in v (Salimans and Ho, ICLR 2022),
    at most tenfold: what a face does is settled where there is much noise, and there the plain error in the
    noise says next to nothing."""
    schedule = models.scheduler()
    t = torch.randint(1000, (len(x),), generator=generator)
    noise = torch.randn(x.shape, generator=generator).to(x)
    snr = schedule.alphas_cumprod[t] / (1 - schedule.alphas_cumprod[t])
    weight = (1 + 1 / snr).clamp_max(10).to(x)
    t = t.to(x.device)
    error = (unet(schedule.add_noise(x, noise, t), t, words).sample - noise).square().flatten(1).mean(1)
    return (weight * error).mean()


def _relative(after: Tensor, before: Tensor) -> Tensor:
    """The squared error in the noise, (B, 4, C, 16, 16) of variants that share noise and noise level, as a part of
    the error without the adapter.

    Parted in what a face's variants have in common (pose and colours, which no latent or caption
    tells in full) and what sets them apart, and both in patches of 4x4 places, so that a mouth's few
    places count as much as the background's many.
    """

    def parts(error: Tensor) -> list[Tensor]:
        common = error.mean(1, keepdim=True)
        squares = common.square(), (error - common).square()
        return [x.mean((1, 2)).unflatten(2, (4, 4)).unflatten(1, (4, 4)).mean((2, 4)) for x in squares]

    centre = after.new_ones(4, 4)
    centre[1:3, 1:3] = 4  # the face
    ratios = [(now / (then + 0.02 * then.mean())).mul(centre) for now, then in zip(parts(after), parts(before))]
    return (ratios[0].mean() + 2 * ratios[1].mean()) / centre.mean()


def train(trainer: Trainer) -> tuple[nn.Module, ...]:
    """Train everything; gives what `export` takes."""
    vae = autoencoder(trainer)
    tokens = models.tokenizer(trainer.folder / "tokenizer")
    net, text = unet(trainer, vae, tokens)
    trained = adapter(trainer, vae, tokens, net, text)
    moving = motion(trainer, vae, tokens, net, text)
    decoder(trainer, vae)
    return vae, net, text, moving, trained, reader(trainer, vae)
