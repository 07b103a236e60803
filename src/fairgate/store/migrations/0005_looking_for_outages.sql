-- Samples may come in days late: it is on record from when on outages have to be looked for again.
CREATE TABLE looking (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    since  timestamptz NOT NULL
);
INSERT INTO looking (since) VALUES ('2000-01-01T00:00:00Z');

-- People are told of an outage's end some at a time: the outage knows how far that is.
ALTER TABLE outage ADD COLUMN told_up_to bigint NOT NULL DEFAULT 0;
