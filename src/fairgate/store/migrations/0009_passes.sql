-- Who has an appointment is given a signed pass to show at the port.
CREATE TABLE pass (
    offer_id        bigint PRIMARY KEY REFERENCES offer,
    registration_id bigint NOT NULL REFERENCES registration,
    appointment     text NOT NULL CHECK (appointment ~ '^[0-9a-f]{16}$'),
    leaf            bigint NOT NULL,
    expires_at      timestamptz NOT NULL
);
CREATE INDEX pass_expires ON pass (expires_at);

-- Looking begins with the first leaf: appointments of before have a pass too.
CREATE TABLE issuing (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    next_leaf bigint NOT NULL CHECK (next_leaf >= 0)
);
INSERT INTO issuing (next_leaf) VALUES (0);

CREATE TRIGGER pass_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pass
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
