"""Files other than lists that say what to fetch: a parser each, one result for all."""
