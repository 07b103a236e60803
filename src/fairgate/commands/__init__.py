"""What is done: one act a file, one transaction."""
