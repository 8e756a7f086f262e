"""In: an encoder and tokens. Out: weights and losses of a training in one of several processes."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file

from components.files import write_json
from components.params import TrainingParams
from components.tasks import load_task
from components.tasks.classification import Options
from components.training import fit


def main(encoder: Path, tokens: Path, section: str, out: Path) -> None:
    """Fit, and write what came out under the number of this process."""
    torch.set_num_threads(1)
    task = load_task(
        Options(kind="classification", labels=("track", "refund", "login"), out_of_scope=None)
    )
    params = TrainingParams.model_validate_json(section)
    fitted = fit(task, params, encoder, tokens, 7)
    rank = os.environ.get("RANK", "0")
    weights = {name: value.contiguous() for name, value in fitted.model.state_dict().items()}
    save_file(weights, out / f"{rank}.safetensors")
    write_json(out / f"{rank}.json", [epoch.loss for epoch in fitted.history])


if __name__ == "__main__":
    warnings.simplefilter("error", FutureWarning)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
