"""Fill an air-gapped Go module proxy: sealed = connected."""

__version__ = "0.1.0"
