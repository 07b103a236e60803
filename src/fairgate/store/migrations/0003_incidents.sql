-- Deadlines move by a few rows, and their holders are told afterwards, some at a time: a window knows how far that is.
ALTER TABLE "window" ADD COLUMN moved_at timestamptz, ADD COLUMN told_offer bigint NOT NULL DEFAULT 0;
CREATE INDEX window_moved ON "window" (moved_at) WHERE moved_at IS NOT NULL;
DROP INDEX offer_window;
CREATE INDEX offer_window ON offer (window_id, id);

-- Incidents: the public record of outages and disturbances.
CREATE TABLE incident (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number      text NOT NULL UNIQUE CHECK (number ~ '^FG-[0-9]{4}-[0-9]{4,}$'),
    kind        text NOT NULL CHECK (kind IN ('outage', 'port closed', 'slots moved', 'program stopped', 'planned work')),
    program     text REFERENCES program,     -- none: all of them
    port        text REFERENCES port,        -- none: no port in particular
    start_at    timestamptz NOT NULL,
    end_at      timestamptz,                 -- none: it lasts
    recorded_at timestamptz NOT NULL,
    declared_by text,                        -- the staff account; none: found by the machinery
    merged_into bigint REFERENCES incident,  -- the one that stands for this one
    groups      integer NOT NULL DEFAULT 0 CHECK (groups >= 0),   -- registrations whose open offers it touched
    persons     integer NOT NULL DEFAULT 0 CHECK (persons >= 0),
    ports       text[] NOT NULL DEFAULT '{}',                     -- where these offers are, and
    rounds      date[] NOT NULL DEFAULT '{}',                     -- for which dates
    CHECK (end_at >= start_at),
    CHECK (merged_into <> id)
);
CREATE INDEX incident_lasting ON incident (start_at) WHERE end_at IS NULL;

CREATE TABLE incident_outage (
    outage_id   bigint PRIMARY KEY REFERENCES outage,
    incident_id bigint NOT NULL REFERENCES incident
);
CREATE INDEX incident_outage_of ON incident_outage (incident_id);

-- The timeline. `texts` is what staff wrote, by language; what the machinery notes is put into words by its kind.
CREATE TABLE incident_entry (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incident,
    at          timestamptz NOT NULL,
    kind        text NOT NULL,
    facts       jsonb NOT NULL,
    texts       jsonb,
    written_by  text
);
CREATE INDEX incident_entry_of ON incident_entry (incident_id, id);

CREATE TRIGGER incident_stays BEFORE DELETE OR TRUNCATE ON incident
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER incident_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON incident_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
