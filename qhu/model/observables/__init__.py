"""Observables: what is measured at the end of the circuit, one file each."""
