"""What is done: one act a file, one transaction.

Every command locks in one order, so that no two wait for each other in a ring: rounds, outages, windows, registrations,
ports of rounds, slots, and the ledger last; of each kind all at once and in key order. Whoever needs a lock that
comes earlier than one already held commits first and begins again (`lapse`, `backfill`). What is decided on is
read after its lock, for a reader may have waited for somebody who changed it. tests/race shows what
happens otherwise.
"""
