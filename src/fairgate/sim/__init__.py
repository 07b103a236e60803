"""Rehearsal: virtual clock and populations."""
