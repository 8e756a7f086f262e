"""In: jobs. Out: each trained, in this process, in processes of its own, or on a cluster."""

from components.search.engines.base import Engine, Room
from components.search.engines.inline import Inline
from components.search.engines.local import Local
from components.search.engines.ray import Ray

__all__ = ["Engine", "Inline", "Local", "Ray", "Room"]
