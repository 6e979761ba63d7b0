"""The rule families, one file each; family.py says what a family is, registry.py finds them all."""
