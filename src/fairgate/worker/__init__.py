"""Time passing: loops over due rows."""
