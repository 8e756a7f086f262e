"""In: jobs. Out: each trained, in this process, in processes of its own, or on a cluster."""

from components.search.engines.base import Engine, Room
from components.search.engines.inline import Inline
from components.search.engines.local import Local

__all__ = ["Engine", "Inline", "Local", "Room"]
