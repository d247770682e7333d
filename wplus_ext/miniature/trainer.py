"""How a stage of the miniature trains, so that a run that was stopped goes on as if it had not been."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..weights.files import replacing

SAVE_EVERY = 250
AVERAGE = 0.998  # how much of the running average of the weights is kept at each step


@dataclass(frozen=True)
class Trainer:
    """Where and how a stage trains: a folder for checkpoints, a device, the seed, a factor on all steps and
    amounts of data, and whether the autoencoder computes in bfloat16."""

    folder: Path
    device: str
    seed: int
    shorten: float
    bfloat16: bool

    def short(self, count: int) -> int:
        """A number of steps or of pictures, shortened."""
        return max(int(count * self.shorten), 1)

    def autocast(self) -> torch.autocast:
        """For the autoencoder's convolutions."""
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.bfloat16)

    def fit(
        self, name: str, model: nn.Module, loss: Callable[[torch.Generator], Tensor], steps: int, rate: float
    ) -> None:
        """Train the parameters of ``model`` that want a gradient; they end as their running average."""
        steps = self.short(steps)
        path = self.folder / f"{name}.pt"
        parameters = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(parameters, rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: min((i + 1) / 100, 1.0) * _cosine(i / steps))
        state = {"step": 0, "seconds": 0.0, "average": [p.detach().clone() for p in parameters]}
        if path.exists():
            saved = torch.load(path, map_location=self.device, weights_only=True)
            optimizer.load_state_dict(saved["optimizer"])
            schedule.load_state_dict(saved["schedule"])
            _copy(saved["parameters"], parameters)
            state = {key: saved[key] for key in state}
        recent, began = [], time.monotonic() - state["seconds"]
        bar = tqdm(total=steps, initial=state["step"], desc=name, disable=None, smoothing=0.05)
        while state["step"] < steps:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + state["step"])
            torch.manual_seed(self.seed * 1_000_003 + state["step"])  # dropout, and diffusers' own noise
            value = loss(generator)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            state["step"] += 1
            decay = min(AVERAGE, state["step"] / (state["step"] + 10))
            with torch.no_grad():
                for average, parameter in zip(state["average"], parameters):
                    average.lerp_(parameter, 1 - decay)
            recent = [*recent[-99:], float(value.detach())]
            bar.set_postfix(loss=f"{sum(recent) / len(recent):.4f}", refresh=False)
            bar.update()
            if state["step"] % SAVE_EVERY == 0 or state["step"] == steps:
                state["seconds"] = time.monotonic() - began
                saved = {"parameters": [p.detach() for p in parameters], "optimizer": optimizer.state_dict()}
                save({**state, **saved, "schedule": schedule.state_dict()}, path)
                figures = {"stage": name, "step": state["step"], "seconds": round(state["seconds"])}
                with open(self.folder / "figures.jsonl", "a", encoding="utf-8") as file:
                    file.write(json.dumps({**figures, "loss": round(sum(recent) / len(recent), 5)}) + "\n")
        bar.close()
        _copy(state["average"], parameters)
        model.requires_grad_(False).eval()


def _cosine(part: float) -> float:
    return 0.02 + 0.98 * 0.5 * (1 + torch.cos(torch.tensor(part * torch.pi)).item())


def _copy(source: list[Tensor], target: list[nn.Parameter]) -> None:
    with torch.no_grad():
        for from_, to in zip(source, target, strict=True):
            to.copy_(from_)


def save(content: object, path: Path) -> None:
    """Write what torch can, whole or not at all."""
    with replacing(path) as part:
        torch.save(content, part)
