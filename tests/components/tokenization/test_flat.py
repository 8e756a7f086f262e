from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.tokenization.flat import FlatFile


@pytest.mark.parametrize("shape", [(), (3,)])
def test_bytes_are_those_of_one_save(tmp_path: Path, shape: tuple[int, ...]) -> None:
    parts = [np.arange(n * 3, dtype=np.int32).reshape(n, -1) for n in (4, 1, 100_000)]
    parts = [part if shape else part.ravel() for part in parts]
    with FlatFile(tmp_path / "grown.npy") as file:
        for part in parts:
            file.append(part)
    np.save(tmp_path / "whole.npy", np.concatenate(parts))
    assert (tmp_path / "grown.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_rows_of_another_kind_are_refused(tmp_path: Path) -> None:
    with FlatFile(tmp_path / "a.npy") as file:
        file.append(np.zeros(2, dtype=np.int32))
        with pytest.raises(ValueError, match="int64"):
            file.append(np.zeros(2, dtype=np.int64))
        with pytest.raises(ValueError, match=r"\(2,\) do not fit"):
            file.append(np.zeros((2, 2), dtype=np.int32))
