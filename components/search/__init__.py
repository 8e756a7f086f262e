"""In: a space over the training section and an objective. Out: the best values, and all trials.

One score is partly luck of the seed, and the best of many is the luckiest: so the best trials train
again with further seeds, all with the same ones, and their mean scores decide. Everything that has
ended is kept outside the stage's outputs, and no training is done twice.
"""

from components.search.about import About
from components.search.belief import sentence
from components.search.copies import Ablation, Copies
from components.search.engines import Engine, Inline, Local, Ray
from components.search.finalists import Finalist
from components.search.jobs import arm_of
from components.search.objective import DeviceUse, Objective, Pruned, Report, Seat
from components.search.results import REPORT, write_results
from components.search.retrainings import Retraining
from components.search.run import run_search
from components.search.searched import Searched, SearchWatch
from components.search.study import StudyPlace
from components.search.trials import Trial

__all__ = [
    "REPORT",
    "Ablation",
    "About",
    "Copies",
    "DeviceUse",
    "Engine",
    "Finalist",
    "Inline",
    "Local",
    "Objective",
    "Pruned",
    "Ray",
    "Report",
    "Retraining",
    "SearchWatch",
    "Searched",
    "Seat",
    "StudyPlace",
    "Trial",
    "arm_of",
    "run_search",
    "sentence",
    "write_results",
]
