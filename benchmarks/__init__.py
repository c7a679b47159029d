"""Measurements: what they measure, and how to repeat them, is in README.md."""
