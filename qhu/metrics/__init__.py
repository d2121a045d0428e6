"""What a metric sees, and the metrics."""
