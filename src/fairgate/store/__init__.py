"""What is remembered: PostgreSQL, in SQL that can be read."""

import os

# A server has a zone of its own, and times come back in the zone of the connection. Here they are UTC everywhere, since
# manifests, statements and pages are written from them. libpq gives this to every connection that this process makes.
os.environ["PGTZ"] = "UTC"
