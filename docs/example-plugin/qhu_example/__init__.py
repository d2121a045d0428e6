"""A method, a metric, a dataset, a backend and the parts of a network for qhu."""
