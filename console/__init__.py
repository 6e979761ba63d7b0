"""What an operator touches: the composition root, the command line, the schedule."""
