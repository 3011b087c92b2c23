"""One verb each, over ports only: each reads like the sentence that describes it."""
