"""In: tokens and an encoder. Out: a fine-tuned model, as a bundle on disk."""

from components.training.answers import tuned
from components.training.checkpoint import Checkpoints, training_key
from components.training.fit import fit
from components.training.fitted import Fitted
from components.training.parallel import first_process
from components.training.save import save
from components.training.shorten import shortened
from components.training.watch import Epoch, Step, Watch

__all__ = [
    "Checkpoints",
    "Epoch",
    "Fitted",
    "Step",
    "Watch",
    "first_process",
    "fit",
    "save",
    "shortened",
    "training_key",
    "tuned",
]
