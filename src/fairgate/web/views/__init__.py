"""What answers each address: parse, call, answer. What is decided lies in commands, what is read in store."""
