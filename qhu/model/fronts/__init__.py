"""Fronts: what turns a sample into features of the encoding, one file each."""
