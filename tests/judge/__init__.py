"""Judgements over real lists: minutes to an hour each, run by `make judge`."""
