"""Evidence that confirming works."""
