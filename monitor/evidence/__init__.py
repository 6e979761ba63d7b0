"""The evidence log: what was recorded, as lines under a Merkle tree that anyone can check without us."""
