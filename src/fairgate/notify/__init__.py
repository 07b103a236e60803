"""Messages to people, from committed state only."""
