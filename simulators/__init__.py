"""Fake cameras and invented histories; imports nothing of the product."""
