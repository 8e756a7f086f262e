"""In: a space over the training section and an objective. Out: the best values, and all trials."""

from components.search.results import write_results
from components.search.run import Objective, Pruned, Report, run_search
from components.search.study import StudyPlace
from components.search.trials import Searched, SearchWatch, Trial

__all__ = [
    "Objective",
    "Pruned",
    "Report",
    "SearchWatch",
    "Searched",
    "StudyPlace",
    "Trial",
    "run_search",
    "write_results",
]
