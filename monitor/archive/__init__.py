"""The raw archive: every result that was ever acknowledged, one Parquet file for each day of the contract's zone.

`parts` knows which files there are (standard library only), `columns` what they hold, `building` makes them of committed
batches, `reading` turns their rows into runs again, `checking` reads them to the last byte. All but `parts` need pyarrow
and numpy, which a watcher must not carry about: import them in a process of their own.
"""
