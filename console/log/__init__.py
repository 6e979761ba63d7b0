"""The evidence log's life: keys, checkpoints, seals, witnesses."""
