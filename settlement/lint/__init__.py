"""What a contract means before it is signed: gaps, cliffs, gains by failing, wording left open. check.py asks them all."""
