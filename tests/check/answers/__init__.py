"""Answers to every exercise: unusual right ones, and the wrong ones people give.

RIGHT: {exercise: [answer, ...]}. WRONG: {exercise: [(answer, words of the verdict)]}.
"""
