"""Heads: what turns expectation values into logits, one file each."""
