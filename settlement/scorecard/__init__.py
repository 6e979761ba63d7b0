"""Scorecards: rubrics as data, their inputs, the score with its arithmetic, and what is wrong with either. Pure."""
