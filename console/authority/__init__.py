"""The authority's figures brought in: its files read in its own format, figures typed from paper, and both reconciled."""
