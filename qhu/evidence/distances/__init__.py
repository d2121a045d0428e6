"""Distances between the outputs of unlearned models and those of oracles."""
