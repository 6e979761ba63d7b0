"""The composition root: the only place that builds things and hands adapters to those who named a Protocol."""
