"""Exercises: a graph asks, a learner answers, and the mistake is named."""

from autodiff.exercises.exercise import Exercise, exercise as exercise
from autodiff.exercises.feedback import Feedback, Remark
from autodiff.exercises.graded import generate
from autodiff.exercises.question import Question
from autodiff.exercises.reading import AnswerError
from autodiff.exercises.sheets.formats import save
from autodiff.exercises.sheets.homework import Marks, mark, score

__all__ = ["AnswerError", "Exercise", "Feedback", "Marks", "Question", "Remark", "generate", "mark", "save", "score"]
