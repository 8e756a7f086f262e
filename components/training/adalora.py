"""In: gradients of thin matrices. Out: ranks taken from where they matter least."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from components.training.state import State, copied

if TYPE_CHECKING:
    import torch

    Gathered = dict[str, torch.Tensor]

THIN: Final = ("lora_A", "lora_B")


@dataclass
class Ranks:
    """AdaLoRA's allocation of ranks (Zhang et al., arXiv:2303.10512), around every update.

    A triplet of a singular value and its two vectors is as important as |weight * gradient| says,
    smoothed, times its uncertainty. After each of some steps the least important triplets lose
    their value, fewer and fewer staying by a cubic schedule, until the budget is reached; from then
    on the same triplets stay. The arithmetic is peft's; here is when it is done, and what of it
    outlives a step. As in the paper, importance is that of the weights the gradient was taken at.

    Attributes:
        model: with adalora's matrices; without any, nothing is done.
        step: updates that were made.
        kept: the triplets that stay, by name, once that is settled.
    """

    model: torch.nn.Module
    step: int = 0
    kept: dict[str, list[bool]] = field(default_factory=dict)
    _allocator: Any = None

    def __post_init__(self) -> None:
        if config := self._config():
            from peft.tuners.adalora.layer import RankAllocator

            self._allocator = RankAllocator(  # type: ignore[no-untyped-call]
                self.model, config, "default"
            )

    def before_update(self) -> None:
        """Add the penalty's gradients to those of the step, and take in how important each is."""
        if self._allocator is None:
            return
        self._penalize()
        self.step += 1
        if self.step < self._last:
            self._allocator.update_ipt(self.model)

    def after_update(self) -> None:
        """Take away what the schedule says."""
        if self._allocator is None:
            return
        if self.kept:
            self._allocator.mask_using_rank_pattern(self.model, self.kept)
            return
        budget, due = self._allocator.budget_schedule(self.step)
        if self.step >= self._last:
            self.kept = self._allocator.mask_to_budget(self.model, self._allocator.target_bgt)
        elif due:
            self._allocator.mask_to_budget(self.model, budget)

    def state(self) -> State:
        """Return the counts and what importance was gathered from."""
        facts = {"step": self.step, "kept": self.kept}
        if self._allocator is None:
            return State(facts, {})
        named = {
            f"{what}:{name}": value
            for what in ("exp_avg_ipt", "exp_avg_unc")
            for name, value in getattr(self._allocator, what).items()
        }
        return State(facts, copied(named))

    def load(self, state: State) -> None:
        """Go on with these."""
        self.step, self.kept = state.facts["step"], state.facts["kept"]
        weights = dict(self.model.named_parameters())
        for place, value in state.tensors.items():
            what, _, name = place.partition(":")
            gathered: Gathered = getattr(self._allocator, what)
            gathered[name] = value.to(weights[name].device)
            # Its presence tells peft that the others are there; the value is never read.
            self._allocator.ipt[name] = gathered[name]

    @property
    def _last(self) -> int:
        """The step after which the ranks stay."""
        config = self._allocator.peft_config
        return int(config.total_step - config.tfinal)

    def _config(self) -> Any:  # noqa: ANN401 - peft's
        from peft import AdaLoraConfig

        config = getattr(self.model, "peft_config", {}).get("default")
        return config if isinstance(config, AdaLoraConfig) else None

    def _penalize(self) -> None:
        """Hold the vectors orthogonal: the distance of each Gram matrix from the identity."""
        import torch

        named = self.model.named_parameters()
        thin = {name: w for name, w in named if any(each in name for each in THIN)}
        # (rank, in) and (out, rank)
        grams = [w @ w.T if THIN[0] in name else w.T @ w for name, w in thin.items()]
        distances = [
            torch.linalg.matrix_norm(g - torch.eye(len(g), device=g.device)) for g in grams
        ]
        penalty = self._allocator.peft_config.orth_reg_weight * torch.stack(distances).mean()
        weights = list(thin.values())
        for weight, gradient in zip(weights, torch.autograd.grad(penalty, weights), strict=True):
            if weight.grad is not None:
                weight.grad += gradient
