"""What is remembered: PostgreSQL, in SQL that can be read."""
