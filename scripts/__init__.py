"""What `make` runs that is not gopack itself."""
