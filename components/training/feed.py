"""In: rows of a split. Out: the tensors of one batch on the device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.tasks.base import IGNORED, Array, Task
from components.tokens import TokenSplit
from components.training.batches import Rows, learned

if TYPE_CHECKING:
    import torch

MASK = "attention_mask"


@dataclass(frozen=True)
class Feed:
    """Makes batches of one split, padded to the longest row of each.

    Attributes:
        task: collates.
        tokens: memory-mapped.
        pad_id: of the tokenizer.
        device: where the tensors go, without waiting for them.
        multiple: rows are padded to a multiple of it; more than 1 keeps the number of shapes
            small that a compiled model meets, and the mask always there: where steps are recorded,
            transformers would make one of its own, with which attention is several times slower.
        anchors: texts of the labels, of a task that learns from them.
    """

    task: Task
    tokens: TokenSplit
    pad_id: int
    device: torch.device
    multiple: int = 1
    anchors: TokenSplit | None = None

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(rows,) tokens of each row."""
        return self.tokens.lengths

    def inputs(self, rows: Rows, anchors: Rows | None = None) -> dict[str, torch.Tensor]:
        """Return the model's inputs; without a mask when no row is padded.

        A mask of ones costs a look at its values, which on a GPU waits for the device.

        Args:
            rows: numbers of the split's rows.
            anchors: numbers of labels, whose texts follow them.
        """
        ids = [self.tokens.row(row).tolist() for row in rows]
        if self.anchors is not None and anchors is not None:
            ids += [self.anchors.row(row).tolist() for row in anchors]
        lengths = [len(row) for row in ids]
        longest = self._rounded(max(lengths))
        batch = self.task.collate(ids, self.pad_id, longest)
        return {
            name: self._send(values)
            for name, values in batch.items()
            if name != MASK or self.multiple > 1 or min(lengths) < longest
        }

    def of_anchors(self) -> Feed | None:
        """Return a feed of the labels' texts themselves."""
        return replace(self, tokens=self.anchors, anchors=None) if self.anchors else None

    def targets(self, rows: Rows) -> torch.Tensor:
        """Return the rows' targets, those of tokens padded as the rows are."""
        if not self.tokens.per_token:
            return self._send(self.tokens.targets[rows])
        targets = np.full((len(rows), self._longest(rows)), IGNORED, dtype=np.int64)
        for place, row in enumerate(rows):
            targets[place, : self.lengths[row]] = self.tokens.target(row)
        return self._send(targets)

    def weight(self, rows: Rows) -> int:
        """Count what the rows' loss is the sum of: labels or tokens learned from, or else rows."""
        if self.tokens.per_token:
            return sum(learned(self.tokens.target(row)) for row in rows.tolist())
        if self.task.loss in ("one_label", "label_or_none", "match"):
            return learned(self.tokens.targets[rows])
        return len(rows)

    def _longest(self, rows: Rows) -> int:
        return self._rounded(int(self.lengths[rows].max()))

    def _rounded(self, length: int) -> int:
        return -(-length // self.multiple) * self.multiple

    def _send(self, values: Array) -> torch.Tensor:
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(values))
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)
