"""Arguments, wiring, progress and exit statuses."""
