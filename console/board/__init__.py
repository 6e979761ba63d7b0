"""The city in memory, made for reading: every point's card with its state now and its seconds so far.

`Board` reads the store every few seconds and answers `board.city(scope)` at once; pages, maps, streams and the API read
nothing else for what is now. What was is asked of console/views.py.
"""
