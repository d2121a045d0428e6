"""Encodings: how the features of a sample enter the circuit, one file each."""
