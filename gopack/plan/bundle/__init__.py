"""Bundles as pure rules: what they hold, in which order and bytes, and what builds on what."""
