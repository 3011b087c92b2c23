"""The benchmarks: gopack beside its peers, in one run."""
