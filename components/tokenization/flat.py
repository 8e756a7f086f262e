"""In: arrays, batch after batch. Out: one `.npy` file of them all, never whole in memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt


class FlatFile:
    """A `.npy` file that grows along its first axis; its bytes are those that np.save would write.

    numpy pads the header so that the length of the first axis can be rewritten in place
    (numpy.lib.format, GROWTH_AXIS_MAX_DIGITS).
    """

    def __init__(self, path: Path) -> None:
        """Open the file; the caller renames its folder when it is complete."""
        self._file = path.open("wb")
        self._dtype: np.dtype[Any] | None = None
        self._shape: tuple[int, ...] = ()
        self._rows = 0

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Write (n, ...) rows at the end; the first ones set the type and the shape of a row.

        Raises:
            ValueError: the rows have another type or shape than the first ones.
        """
        if self._dtype is None:
            self._dtype, self._shape = rows.dtype, rows.shape[1:]
            self._write_header(self._dtype)
        if rows.shape[1:] != self._shape or rows.dtype != self._dtype:
            raise ValueError(
                f"rows of {rows.dtype} {rows.shape[1:]} do not fit {self._dtype} {self._shape}"
            )
        self._file.write(np.ascontiguousarray(rows).tobytes())
        self._rows += len(rows)

    def _write_header(self, dtype: np.dtype[Any]) -> None:
        self._file.seek(0)
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (self._rows, *self._shape),
        }
        np.lib.format.write_array_header_1_0(self._file, header)

    def __enter__(self) -> FlatFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._dtype is not None:
            self._write_header(self._dtype)
        self._file.close()
