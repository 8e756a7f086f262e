"""In: what several models answer on the training rows. Out: targets that one model learns from.

Hinton et al., Distilling the knowledge in a neural network, arXiv:1503.02531. The teachers' answers
travel in the folder of tokens, so that whoever trains on it learns from them, and its card says so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from components.errors import DataError
from components.files import atomic_folder, sha256_file, write_json
from components.params import DistillationParams
from components.tasks.base import Array, softmax
from components.tokens import CARD, read_token_card
from components.training.batches import Rows

if TYPE_CHECKING:
    import torch

SOFT: Final = "train.soft.npy"
# On a token card.
SECTION: Final = "distillation"


@dataclass(frozen=True)
class SoftTargets:
    """The teachers' mean answer to every training row.

    Attributes:
        probabilities: (rows, labels) float32, at `temperature`.
        temperature: that they were softened with.
        share: of the loss that comes from them.
        device: where the loss is.
    """

    probabilities: npt.NDArray[np.float32]
    temperature: float
    share: float
    device: torch.device

    def mixed(self, loss: torch.Tensor, logits: torch.Tensor, rows: Rows) -> torch.Tensor:
        """Return (1 - share) loss + share T^2 cross entropy with the teachers, at temperature T.

        Both are sums over rows. T^2 makes up for the gradients of soft targets, which are smaller
        by as much (section 2 of the paper).

        Args:
            loss: from the labels, summed.
            logits: (batch, labels).
            rows: numbers of the rows.
        """
        import torch

        soft = torch.from_numpy(np.ascontiguousarray(self.probabilities[rows]))
        if self.device.type == "cuda":
            soft = soft.pin_memory()
        soft = soft.to(self.device, non_blocking=True)
        logs = (logits.float() / self.temperature).log_softmax(dim=-1)
        taught = -(soft * logs).sum() * self.temperature**2
        return (1 - self.share) * loss + self.share * taught


def soften(logits: Sequence[Array], temperature: float) -> Array:
    """Return (rows, labels) float32: the mean over teachers of softmax(logits / temperature).

    Args:
        logits: (rows, labels) per teacher.
        temperature: 1 for the ensemble's own answer.
    """
    mean: Array = np.mean([softmax(each / temperature) for each in logits], axis=0)
    return mean.astype(np.float32)


def write_soft(
    tokens: Path, logits: Sequence[Array], params: DistillationParams, out: Path
) -> None:
    """Write a folder of tokens whose training rows carry the teachers' answers.

    Args:
        tokens: folder that tokenize wrote; its arrays are linked, not copied, where that can be.
        logits: (training rows, labels) per teacher.
        params: temperature and share; they and the answers' digest stand on the card.
        out: replaced.
    """
    with atomic_folder(out) as partial:
        for path in tokens.iterdir():
            if path.name != CARD:
                _link(path, partial / path.name)
        np.save(partial / SOFT, soften(logits, params.temperature))
        facts: dict[str, Any] = {
            "temperature": params.temperature,
            "share": params.share,
            "sha256": sha256_file(partial / SOFT),
        }
        write_json(partial / CARD, {**read_token_card(tokens), SECTION: facts})


def open_soft(tokens: Path, device: torch.device) -> SoftTargets | None:
    """Map the teachers' answers; None when there are none.

    Raises:
        DataError: they are not those that the card names.
    """
    facts = read_token_card(tokens).get(SECTION)
    if facts is None:
        return None
    path = tokens / SOFT
    found = sha256_file(path) if path.is_file() else "no file"
    if found != facts["sha256"]:
        raise DataError(
            f"{path} is not the file that {CARD} names: expected sha256 {facts['sha256']}, "
            f"found {found}",
            f"delete {tokens}, and run again",
        )
    probabilities = np.load(path, mmap_mode="r")
    return SoftTargets(probabilities, facts["temperature"], facts["share"], device)


def _link(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        os.link(source.resolve(), target)
        return
    shutil.copyfile(source, target)
