"""New directions: made from two sets of latents, or brought in as files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor

from ..weights import files
from ..weights.kinds import PCA, TABLE, Found, identify
from ..weights.latents import load_latent
from ..weights.locks import alone
from ..weights.shapes import Float
from ..weights.swap import own_folder
from .exclusive import move, new_file
from .identities import mean
from .index import Library
from .names import free_place, key_of


def direction(
    without: Sequence[Float[Tensor, "18 512"]], with_it: Sequence[Float[Tensor, "18 512"]]
) -> Float[Tensor, "18 512"]:
    """An edit direction from two sets of latents: the difference of their means, each layer of mean norm 1.

    Raises:
        ValueError: an empty set, two with the same mean, or numbers of which no direction can be made.

    Source: the class-mean difference, the simplest of the linear edits that Shen et al. compare
    ("Interpreting the Latent Space of GANs for Semantic Face Editing", CVPR 2020).
    """
    step = mean([w.double() for w in with_it]) - mean([w.double() for w in without])  # squares of large ones overflow
    norm = step.norm(dim=1).mean()
    if norm < 1e-6:
        raise ValueError("both sets have the same mean: there is no direction between them")
    made = (step / norm).float()
    if not torch.isfinite(made).all() or not made.any():
        raise ValueError("the latents hold numbers of which no direction can be made; expected those of faces")
    return made


def make_direction(
    library: Library, name: str, without: Sequence[str], with_it: Sequence[str], replace: bool = False
) -> Path:
    """A direction of the library from two sets of latents, each by its name in the library or a file's path.

    Raises:
        ValueError: an empty set, an unknown latent, two sets with one mean, a name that cannot be or is taken.
        OSError: the disk does not let us write.

    With ``replace``, what has the name is put away, as an identity is.
    """
    path = free_place(library.roots[0] / "directions", name, replace=replace)
    sets = [[_latent(library, latent) for latent in latents] for latents in (without, with_it)]
    if not all(sets):
        raise ValueError("a direction needs latents without the attribute and latents with it")
    made = direction(*sets)
    with new_file(path, replace) as part:
        files.write(part, {"w": made})
    library.refresh()
    return path


def import_directions(library: Library, sources: Sequence[Path]) -> list[Path]:
    """Copy direction files into the library, all of them or none; gives their places.

    A GANSpace file and its table come together, and go into the sub-folder ``ganspace``, one pair at most.

    Raises:
        ValueError: no files; one that holds no direction; a name that cannot be, is taken, or comes twice.
        OSError: the disk does not let us read or write.
    """
    if not sources:
        raise ValueError("no file, expected at least one")
    found = [(source, _identified(source)) for source in sources]
    pair = [source for source, (kind, _) in found if kind in (PCA, TABLE)]
    others = [source for source in sources if source not in pair]
    folder = library.roots[0] / "directions"
    targets = [_pair_folder(folder, pair) / source.name for source in pair]
    targets += [free_place(folder, source.stem, source.suffix.lower()) for source in others]
    names = [target.stem for target in targets[len(pair) :]]
    twice = [name for i, name in enumerate(names) if key_of(name) in map(key_of, names[:i])]
    if twice:
        raise ValueError(f"two files would be the direction {twice[0]!r}; rename one of them")
    with ExitStack() as undo:
        if pair:
            _copy_pair(pair, targets, undo)
        for source, target in zip(others, targets[len(pair) :]):
            with new_file(target) as part:
                shutil.copyfile(source, part)
            undo.callback(target.unlink, missing_ok=True)
        undo.pop_all()
    library.refresh()
    return targets


def _identified(source: Path) -> Found:
    """What a file is. Raises ValueError for one that holds no direction."""
    try:
        found = identify(source)
    except ValueError as error:  # where the page keeps what was dropped says nothing to anybody
        raise ValueError(str(error).replace(str(source), source.name)) from error
    if "directions" not in found.kind.folders:
        belongs = f"it belongs into the {found.kind.folders[0]} folder"
        raise ValueError(f"{source.name}: this is an {found.kind.name}, expected a direction; {belongs}")
    return found


def _pair_folder(folder: Path, pair: Sequence[Path]) -> Path:
    """The folder of a GANSpace file and its table."""
    if sorted(source.suffix.lower() == ".csv" for source in pair) != [False, True]:
        given = ", ".join(source.name for source in pair)
        raise ValueError(f"{given}: add a GANSpace file (ffhq_pca.pt) and its table (ganspace_configs.csv) at once")
    place = folder / "ganspace"
    if place.is_dir() and any(not path.name.startswith(".") for path in place.iterdir()):
        raise ValueError(f"{place} holds files already; delete them first")
    return place


def _copy_pair(pair: Sequence[Path], targets: Sequence[Path], undo: ExitStack) -> None:
    """Copy a GANSpace file and its table into a folder that holds nothing, still; ``undo`` takes them out again."""
    folder = targets[0].parent
    folder.mkdir(parents=True, exist_ok=True)
    with own_folder(targets[0]) as hidden:
        for source, target in zip(pair, targets):
            shutil.copyfile(source, hidden / target.name)
        with alone(folder):
            _pair_folder(folder.parent, pair)
            for target in targets:
                move(hidden / target.name, target)
                undo.callback(target.unlink, missing_ok=True)


def _latent(library: Library, name: str) -> Float[Tensor, "18 512"]:
    """A latent of the library, or a file."""
    return load_latent(name) if Path(name).is_file() else library.latent(name)
