"""In: a space over the training section and an objective. Out: the best values, and all trials.

One score is partly luck of the seed, and the best of many is the luckiest: so the best trials train
again with further seeds, all with the same ones, and their mean scores decide. Everything that has
ended is kept outside the stage's outputs, and no training is done twice.
"""

from components.search.finalists import Finalist
from components.search.objective import Objective, Pruned, Report
from components.search.results import write_results
from components.search.retrainings import Retraining
from components.search.run import run_search
from components.search.searched import Searched, SearchWatch
from components.search.study import StudyPlace
from components.search.trials import Trial

__all__ = [
    "Finalist",
    "Objective",
    "Pruned",
    "Report",
    "Retraining",
    "SearchWatch",
    "Searched",
    "StudyPlace",
    "Trial",
    "run_search",
    "write_results",
]
