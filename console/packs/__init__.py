"""Evidence packs: what goes into one, the papers in it, and the product's own check of one."""
