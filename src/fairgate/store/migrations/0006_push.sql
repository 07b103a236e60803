-- Notices go to people's devices too.
ALTER TABLE delivery DROP CONSTRAINT delivery_channel_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_channel_check CHECK (channel IN ('file', 'email', 'sms', 'push'));

-- The devices that notices of a registration go to (web push), at most ten. Where a device is reached, and its key, stand
-- in `blob` alone, sealed like a person's data; `endpoint_hash` is a keyed hash.
CREATE TABLE push_subscription (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    registration_id bigint NOT NULL REFERENCES registration,
    endpoint_hash   bytea NOT NULL CHECK (octet_length(endpoint_hash) = 16),
    wrapped_key     bytea NOT NULL,
    blob            bytea NOT NULL,
    made_at         timestamptz NOT NULL,
    UNIQUE (registration_id, endpoint_hash)
);
