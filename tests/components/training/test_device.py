"""In: what a device can do. Out: the precision that `auto` stands for there."""

from __future__ import annotations

import pytest
import torch

from components.training.device import _in_bf16


@pytest.mark.parametrize(
    ("there", "native", "chosen"),
    [(True, True, True), (True, False, False), (False, False, False)],
    ids=["Ampere and later", "Turing, which emulates bf16", "no GPU"],
)
def test_bf16_is_chosen_only_where_the_device_has_it(
    monkeypatch: pytest.MonkeyPatch, there: bool, native: bool, chosen: bool
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert _in_bf16("auto") is chosen
    assert _in_bf16("bf16")
    assert not _in_bf16("fp32")
