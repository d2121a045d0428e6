"""Whole circuits: encoding and trainable gates in one, one file per kind."""
