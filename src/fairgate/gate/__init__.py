"""The front door: the hot paths and public files."""
