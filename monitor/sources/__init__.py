"""Observations that are not our probes: files of runs, states and platform inspections."""
