"""One table of a run: training data, held-out data, untrained, trained, and the paper's figures."""

from tfmusicgan.evaluation.classifiers import ClassifierEvaluation
from tfmusicgan.evaluation.report import HELD_OUT, TRAINED, TRAINING, UNTRAINED, Evaluation
from tfmusicgan.evaluation.runs import evaluate_run

__all__ = [
    "HELD_OUT",
    "TRAINED",
    "TRAINING",
    "UNTRAINED",
    "ClassifierEvaluation",
    "Evaluation",
    "evaluate_run",
]
