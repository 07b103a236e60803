-- Notices go out over several channels, to each person of a group by itself.
ALTER TABLE notice DROP CONSTRAINT notice_state_check;
ALTER TABLE notice ADD CONSTRAINT notice_state_check CHECK (state IN ('waiting', 'sent', 'failed', 'unreachable'));
ALTER TABLE notice ADD COLUMN planned_at timestamptz;
DROP INDEX notice_due;
CREATE INDEX notice_due ON notice (due_at, id) WHERE state = 'waiting' AND planned_at IS NULL;
CREATE INDEX notice_failed ON notice (id) WHERE state = 'failed';

-- A notice on its way to one person over one channel: each is tried again by itself, and none is sent to somebody who
-- has it already. `recipient` is a keyed hash; the address stands in the person's sealed data alone.
CREATE TABLE delivery (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id  bigint NOT NULL REFERENCES notice,
    channel    text NOT NULL CHECK (channel IN ('file', 'email', 'sms')),
    recipient  bytea NOT NULL CHECK (octet_length(recipient) = 16),
    state      text NOT NULL CHECK (state IN ('waiting', 'sent', 'delivered', 'failed')),
    reason     text,                         -- why the last try, or all of it, came to nothing
    tries      smallint NOT NULL DEFAULT 0,
    provider   text,                         -- who took it
    reference  text,                         -- what the provider calls it
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (notice_id, channel, recipient),
    CHECK (state <> 'failed' OR reason IS NOT NULL)
);
CREATE INDEX delivery_due ON delivery (channel, due_at, id) WHERE state = 'waiting';
CREATE INDEX delivery_failed ON delivery (id) WHERE state = 'failed';
