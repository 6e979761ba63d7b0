"""Timings, each beside its target; `make bench` prints them. No assertion depends on any of them."""
