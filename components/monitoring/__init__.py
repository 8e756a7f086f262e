"""In: what came in, and what was answered. Out: how it changes, and whether to worry."""

from components.monitoring.page import write_page
from components.monitoring.surge import Surge, surges
from components.monitoring.topics import Said, Tally, tally

__all__ = ["Said", "Surge", "Tally", "surges", "tally", "write_page"]
