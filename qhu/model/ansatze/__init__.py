"""Ansätze: the trainable layers of the circuit, one file each."""
