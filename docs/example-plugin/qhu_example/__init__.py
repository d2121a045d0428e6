"""A method, a metric, a dataset and a backend for qhu."""
