"""Pages: for applicants, for officers at the port, and for everyone who wants to check."""
