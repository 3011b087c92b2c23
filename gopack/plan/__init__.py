"""What gopack decides. Pure: no files, sockets, clock or environment."""
