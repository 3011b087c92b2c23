"""What Go defines. Pure: no files, sockets, clock or environment; each file names its Go twin."""
