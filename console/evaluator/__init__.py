"""What an evaluator does here: samples, challenges, scorecards."""
