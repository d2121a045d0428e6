"""What a notebook holds of a run, a comparison and an ablation: frames, and its answer."""
