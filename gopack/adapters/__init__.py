"""The outside world, one port a file. Only adapters translate foreign exceptions."""
