"""Fairgate gives out scarce appointments fairly, and can be checked by anyone."""
