"""In: values of params.yaml. Out: the section of training."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from components.params.base import Count, Positive, Section, Share

# Fields that change no result: they enter no key and no lineage, and are not searched.
UNSHAPING: Final = frozenset({"checkpoint_minutes", "gradient_checkpointing"})


class TrainingParams(Section):
    """Fine-tuning; the winner of the search is laid over this section."""

    epochs: Positive
    """Passes over the training rows, at most."""
    batch_size: Positive
    """Examples per optimizer step, whatever the accumulation."""
    batch_tokens: Annotated[int, Field(ge=16)] | None
    """Tokens per optimizer step, padding included, in place of batch_size: of short texts a step
    then takes more, which a GPU that waits for work is glad of; null: batch_size counts."""
    accumulation: Positive
    """Micro-batches that a step is computed in, to save memory; must divide batch_size."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    """Peak rate of AdamW."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)]
    """Decoupled decay; biases and normalization weights are exempt."""
    warmup_share: Share
    """Share of all steps over which the rate rises from 0."""
    decay: Literal["linear", "cosine"]
    """How the rate falls to 0 after warm-up."""
    max_grad_norm: Annotated[float, Field(gt=0)]
    """Gradients are clipped to this global norm."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Dropout of the encoder's hidden layers and of the head."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    """Probability mass moved from the true label to all labels."""
    class_weights: Literal["none", "balanced"]
    """`balanced`: an example counts as much as its label is rare (King and Zeng, Political Analysis
    9, 2001), the mean over the training rows staying 1."""
    averaging: Annotated[float, Field(ge=0, lt=1)]
    """Decay per step of a moving average of the weights, which is scored and kept in place of them
    (Polyak and Juditsky, SIAM J. Control Optim. 30, 1992); 0: off; 0.98 to 0.999, the more steps
    the higher."""
    adversarial: Annotated[float, Field(ge=0)]
    """Length of the push, against the loss, of the word vectors in a second pass over each batch
    (Miyato et al., arXiv:1605.07725); 0: off; it doubles the cost of a step."""
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    """Factor on the learning rate from each layer to the one below it (Howard and Ruder,
    arXiv:1801.06146; Clark et al., arXiv:2003.10555); 1: off; 0.7 to 0.95 with a higher rate."""
    frozen_layers: Count
    """So many of the encoder's lowest layers are not trained (Lee et al., arXiv:1911.03090)."""
    frozen_embeddings: bool
    """The encoder's word and position vectors are not trained."""
    adapter: Literal["none", "lora", "adalora", "bottleneck", "prefix", "prompt"]
    """With one, the encoder is frozen, and small weights beside it are trained with the head;
    what each is: components/training/adapters.py. They want a higher learning_rate."""
    adapter_rank: Positive
    """Rank of lora, mean rank of adalora, width of bottleneck, vectors of prefix and prompt."""
    contrastive_epochs: Count
    """Epochs of a first phase, before the others, in which the encoder learns to put texts of one
    label near one another (Tunstall et al., arXiv:2209.11055); for few labels; 0: off."""
    contrastive_temperature: Annotated[float, Field(gt=0)]
    """Of that phase: the lower, the more the nearest texts count (Khosla et al.,
    arXiv:2004.11362)."""
    patience: Positive
    """Epochs without a better validation score after which training stops early."""
    precision: Literal["auto", "fp32", "bf16"]
    """`auto`: bf16 on a GPU that has it, fp32 elsewhere."""
    gradient_checkpointing: bool
    """Compute activations twice in place of keeping them: less memory, a third more time; the
    result stays."""
    compile: Literal["never", "auto"]
    """`auto`: on a GPU, torch compiles the model, whose steps are replayed as CUDA graphs in any
    case. Compiling takes up to a minute, and a step then a seventh less; elsewhere nothing is
    compiled."""
    checkpoint_minutes: Annotated[float, Field(gt=0)]
    """Wall time between two checkpoints: what a kill can cost at most; changes no result."""

    @model_validator(mode="after")
    def _divides(self) -> TrainingParams:
        if self.batch_size % self.accumulation:
            raise ValueError(
                "accumulation must divide batch_size, "
                f"found {self.accumulation} and {self.batch_size}"
            )
        return self

    def longer(self, factor: float) -> Self:
        """Return the section with so many times the epochs, rounded: as many steps on fewer rows.

        Whoever compares trainings on more rows and fewer by equal epochs compares steps, too.
        """
        return self.model_copy(
            update={n: max(1, round(getattr(self, n) * factor)) for n in ("epochs", "patience")}
        )

    def shaping(self) -> dict[str, Any]:
        """Return, as JSON, what shapes the result: all fields but those of UNSHAPING."""
        return self.model_dump(mode="json", exclude=set(UNSHAPING))
