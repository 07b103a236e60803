-- What Fairgate remembers, to be read from top to bottom.
--
-- Constraints state what must never be; triggers enforce the few things that a constraint
-- cannot. Nothing here decides: decisions are in fairgate/core, and every change comes through a command.
-- Migrations in migrations/ build exactly this schema; a test compares the two.

-- 1. Rules that the database enforces by itself ---------------------------------------------

-- The table of states of fairgate.core.lifecycle: `act` moves `subject` from one state to another.
CREATE TABLE edge (
    subject    text NOT NULL,
    act        text NOT NULL,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (subject, act, from_state)
);

INSERT INTO edge (subject, act, from_state, to_state) VALUES
    ('registration', 'register',  'none',       'registered'),
    ('registration', 'amend',     'registered', 'registered'),
    ('request',      'request',   'none',       'standing'),
    ('request',      'request',   'standing',   'standing'),
    ('request',      'request',   'withdrawn',  'standing'),
    ('request',      'request',   'fulfilled',  'standing'),
    ('request',      'withdraw',  'standing',   'withdrawn'),
    ('request',      'restore',   'withdrawn',  'standing'),
    ('request',      'fulfil',    'standing',   'fulfilled'),
    ('round',        'open',      'none',       'open'),
    ('round',        'seal',      'open',       'sealed'),
    ('round',        'seed',      'sealed',     'sealed'),
    ('round',        'postpone',  'sealed',     'sealed'),
    ('round',        'draw',      'sealed',     'drawn'),
    ('round',        'close',     'drawn',      'closed'),
    ('round',        'void',      'open',       'void'),
    ('round',        'void',      'sealed',     'void'),
    ('offer',        'offer',     'none',       'offered'),
    ('offer',        'pass over', 'none',       'declined'),
    ('offer',        'confirm',   'offered',    'confirmed'),
    ('offer',        'decline',   'offered',    'declined'),
    ('offer',        'lapse',     'offered',    'lapsed'),
    ('offer',        'cancel',    'offered',    'cancelled'),
    ('offer',        'cancel',    'confirmed',  'cancelled'),
    ('offer',        'check in',  'confirmed',  'checked_in'),
    ('offer',        'miss',      'confirmed',  'missed');

-- A new row begins in a state that can be begun in. The argument is the subject.
CREATE FUNCTION refuse_unknown_beginning() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
BEGIN
    SELECT n.state INTO wrong FROM new_rows n
     WHERE NOT EXISTS (SELECT 1 FROM edge e
                        WHERE e.subject = TG_ARGV[0] AND e.from_state = 'none' AND e.to_state = n.state)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% cannot begin as %', TG_ARGV[0], wrong USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- A state changes only along an edge of the table, and a row never takes another's id. The argument is the subject.
-- All rows are joined before a wrong one is looked for: a plan for finding one row quickly takes the square of them.
CREATE FUNCTION refuse_unknown_edge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT m.from_state, m.to_state INTO wrong
      FROM (SELECT DISTINCT coalesce(o.state, 'another row') AS from_state, n.state AS to_state
              FROM new_rows n LEFT JOIN old_rows o USING (id) WHERE o.state IS DISTINCT FROM n.state) m
     WHERE NOT EXISTS (SELECT 1 FROM edge e WHERE e.subject = TG_ARGV[0]
                          AND e.from_state = m.from_state AND e.to_state = m.to_state);
    IF FOUND THEN
        RAISE EXCEPTION '% cannot go from % to %', TG_ARGV[0], wrong.from_state, wrong.to_state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- For tables in which nothing is ever changed or taken away.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'check_violation';
END $$;

-- 2. What the profile says -------------------------------------------------------------------

-- The profile's files as they were loaded; the newest row holds.
CREATE TABLE profile (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key       text NOT NULL,
    documents jsonb NOT NULL,                -- file name -> text
    loaded_at timestamptz NOT NULL
);

CREATE TABLE port (
    port text PRIMARY KEY,
    zone text NOT NULL
);

CREATE TABLE program (
    program   text PRIMARY KEY,
    group_max smallint NOT NULL CHECK (group_max > 0),
    hidden    boolean NOT NULL DEFAULT false,
    next_date date,                          -- the next round to open; none: opened by hand only
    opens_at  timestamptz,                   -- when it opens
    CHECK ((next_date IS NULL) = (opens_at IS NULL))
);
CREATE INDEX program_due ON program (opens_at) WHERE opens_at IS NOT NULL;

-- `taken` is kept by trigger from the live offers and can be recomputed from them at any time; so is `honoured`, the
-- persons among them who have their place over capacity because the service had left them out of a list.
CREATE TABLE slot (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program   text NOT NULL REFERENCES program,
    port      text NOT NULL REFERENCES port,
    date      date NOT NULL,
    time      time NOT NULL,                 -- local time at the port
    capacity  integer NOT NULL CHECK (capacity >= 0),          -- persons
    overshoot integer NOT NULL CHECK (overshoot >= 0),         -- group_max - 1
    taken     integer NOT NULL DEFAULT 0,
    honoured  integer NOT NULL DEFAULT 0,
    UNIQUE (program, date, port, time),
    CONSTRAINT slot_never_oversold CHECK (taken >= honoured AND honoured >= 0 AND taken <= capacity + overshoot + honoured)
);

-- 3. People ----------------------------------------------------------------------------------

CREATE TABLE registration (
    id            bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    number        text NOT NULL UNIQUE,
    code_hash     bytea NOT NULL CHECK (octet_length(code_hash) = 16),
    state         text NOT NULL DEFAULT 'registered',
    language      text NOT NULL,
    size          smallint NOT NULL CHECK (size > 0),          -- persons, the rows of `person`
    registered_at timestamptz NOT NULL,
    amended_at    timestamptz
);

-- Personal data is in `blob` alone, under the key in `wrapped_key`; deleting the row destroys it.
-- `adult_from` is needed by the draw (weeks of the newest adult member): the day of joining for
-- somebody who was an adult then, else the eighteenth birthday.
CREATE TABLE person (
    id              bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    registration_id bigint NOT NULL REFERENCES registration,
    position        smallint NOT NULL CHECK (position > 0),
    joined_at       timestamptz NOT NULL,
    adult_from      date NOT NULL,
    identity        bytea NOT NULL CHECK (octet_length(identity) = 16),
    wrapped_key     bytea NOT NULL,
    blob            bytea NOT NULL,
    UNIQUE (registration_id, position) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX person_identity ON person (identity);

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

-- The standing wish of a registration for an appointment in a program.
CREATE TABLE request (
    id              bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    registration_id bigint NOT NULL REFERENCES registration,
    program         text NOT NULL REFERENCES program,
    state           text NOT NULL,
    ports           text[] NOT NULL CHECK (cardinality(ports) > 0),
    asked_at        timestamptz NOT NULL,
    withdrawn_at    timestamptz,
    UNIQUE (registration_id, program),
    CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL))
);
CREATE INDEX request_standing ON request (program, registration_id) WHERE state = 'standing';

-- 4. Rounds ----------------------------------------------------------------------------------

CREATE TABLE round (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program      text NOT NULL REFERENCES program,
    date         date NOT NULL,
    state        text NOT NULL,
    opens_at     timestamptz NOT NULL,
    closes_at    timestamptz NOT NULL,
    seed_at      timestamptz NOT NULL,
    draw_at      timestamptz NOT NULL,
    due_at       timestamptz,               -- when its next step is due; none when nothing comes of itself
    wrapped_key  bytea,                     -- the ticket key, under the deployment's key
    manifest     text,
    root         bytea,
    entry_count  integer,
    sealed_at    timestamptz,
    proof        text,                      -- beacon.json
    seeded_at    timestamptz,
    seed         bytea,
    results_hash bytea,
    drawn_at     timestamptz,
    closed_at    timestamptz,
    void_reason  text,
    published_at timestamptz,               -- when the files of its last step were written
    sealed_leaf  bigint,                    -- where in the ledger the manifest and the root stand
    postponed    smallint NOT NULL DEFAULT 0, -- how often its random value had to be one of later
    honoured     integer NOT NULL DEFAULT 0 CHECK (honoured >= 0),   -- the rows of `honoured`
    UNIQUE (program, date),
    CHECK (closes_at < seed_at AND seed_at <= draw_at),
    CHECK ((state = 'void') = (void_reason IS NOT NULL)),
    CHECK (state NOT IN ('sealed', 'drawn', 'closed')
           OR (manifest IS NOT NULL AND root IS NOT NULL AND wrapped_key IS NOT NULL AND sealed_at IS NOT NULL)),
    CHECK (state NOT IN ('drawn', 'closed')
           OR (proof IS NOT NULL AND seed IS NOT NULL AND results_hash IS NOT NULL AND drawn_at IS NOT NULL))
);
CREATE INDEX round_due ON round (due_at) WHERE due_at IS NOT NULL;

-- The places of one port in a sealed round; `used` is kept by trigger from the live offers, those over capacity left out:
-- who was honoured takes nothing from what the list gives out.
CREATE TABLE round_port (
    round_id        integer NOT NULL REFERENCES round,
    port            text NOT NULL REFERENCES port,
    capacity        integer NOT NULL CHECK (capacity >= 0),
    carry           integer NOT NULL CHECK (carry >= 0),
    places          integer NOT NULL CHECK (places >= 0),      -- capacity less carry
    overshoot       integer NOT NULL CHECK (overshoot >= 0),
    used            integer NOT NULL DEFAULT 0,
    carry_out       integer,                                   -- set by the draw
    backfill_due_at timestamptz,                               -- places came free
    PRIMARY KEY (round_id, port),
    CONSTRAINT round_port_never_oversold CHECK (used >= 0 AND used <= places + overshoot)
);
CREATE INDEX round_port_backfill_due ON round_port (backfill_due_at) WHERE backfill_due_at IS NOT NULL;

-- The sealed list, one row a registration.
CREATE TABLE entry (
    round_id        integer NOT NULL REFERENCES round,
    ticket          text NOT NULL COLLATE "C",
    registration_id bigint NOT NULL,
    size            smallint NOT NULL CHECK (size > 0),
    weeks           integer NOT NULL CHECK (weeks >= 0),
    ports           text[] NOT NULL,
    PRIMARY KEY (round_id, ticket)
);
CREATE INDEX entry_registration ON entry (registration_id, round_id);

-- What the draw said of each entry: offers and reserve, each in its public order.
CREATE TABLE result (
    round_id integer NOT NULL REFERENCES round,
    ticket   text NOT NULL COLLATE "C",
    outcome  text NOT NULL CHECK (outcome IN ('offered', 'reserve')),
    port     text,
    ord      integer NOT NULL CHECK (ord > 0),
    phase    text CHECK (phase IN ('seniority', 'lottery')),
    PRIMARY KEY (round_id, outcome, ord),
    CHECK ((outcome = 'offered') = (port IS NOT NULL)),
    CHECK ((outcome = 'offered') = (phase IS NOT NULL))
);
CREATE INDEX result_ticket ON result (round_id, ticket);

-- Who was missing from the sealed list and had a receipt of the request: the line that should have been there, and what
-- the draw gives it with the seed as it was drawn. List and results stay as they are; this stands beside them.
CREATE TABLE honoured (
    round_id        integer NOT NULL REFERENCES round,
    ticket          text NOT NULL COLLATE "C",
    registration_id bigint NOT NULL,
    size            smallint NOT NULL CHECK (size > 0),
    weeks           integer NOT NULL CHECK (weeks >= 0),
    ports           text[] NOT NULL,
    outcome         text NOT NULL CHECK (outcome IN ('offered', 'reserve')),
    port            text,
    ord             integer NOT NULL CHECK (ord > 0),          -- on the reserve: before the one who has this order there
    phase           text CHECK (phase IN ('seniority', 'lottery')),
    request_leaf    bigint NOT NULL CHECK (request_leaf >= 0), -- the leaf that the receipt names, and
    on_record       boolean NOT NULL,                          -- whether the ledger says there what the receipt says
    honoured_at     timestamptz NOT NULL,
    PRIMARY KEY (round_id, ticket),
    UNIQUE (round_id, registration_id),
    CHECK ((outcome = 'offered') = (port IS NOT NULL)),
    CHECK ((outcome = 'offered') = (phase IS NOT NULL))
);
CREATE INDEX honoured_registration ON honoured (registration_id, round_id);

-- 5. Offers ----------------------------------------------------------------------------------

-- The opening time and deadline that all offers made together share. No deadline: paused.
-- `lapse_at` is the deadline and the time granted to those in line. No deadline is earlier than one that was promised.
CREATE TABLE "window" (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program   text NOT NULL REFERENCES program,
    zone      text NOT NULL,
    opened_at timestamptz NOT NULL,
    deadline  timestamptz,
    lapse_at  timestamptz,
    promised  timestamptz,                                     -- the latest deadline that people were ever told
    settled   boolean NOT NULL DEFAULT false,                  -- no open offer is left in it
    moved_at  timestamptz,                                     -- since then not every holder was told of a new deadline
    told_offer bigint NOT NULL DEFAULT 0,                      -- the last offer, by id, whose holder was told of it
    CHECK ((deadline IS NULL) = (lapse_at IS NULL)),
    CHECK (deadline > opened_at AND lapse_at >= deadline),
    CHECK (deadline >= promised)
);
CREATE INDEX window_unsettled ON "window" (opened_at) WHERE NOT settled;
CREATE INDEX window_lapse_due ON "window" (lapse_at) WHERE NOT settled;
CREATE INDEX window_deadline ON "window" (deadline) WHERE NOT settled;
CREATE INDEX window_moved ON "window" (moved_at) WHERE moved_at IS NOT NULL;

CREATE TABLE offer (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    registration_id bigint NOT NULL REFERENCES registration,
    program         text NOT NULL REFERENCES program,
    round_id        integer NOT NULL REFERENCES round,
    port            text NOT NULL,
    slot_id         bigint NOT NULL REFERENCES slot,
    window_id       bigint NOT NULL REFERENCES "window",
    size            smallint NOT NULL CHECK (size > 0),
    ord             integer NOT NULL CHECK (ord > 0),          -- in the order in which the round's offers were made
    phase           text NOT NULL CHECK (phase IN ('seniority', 'lottery', 'reserve', 'honoured')),
    state           text NOT NULL,
    why             text,                                      -- what explains the state, where it needs it
    how             text CHECK (how IN ('on time', 'in line', 'held')),
    offered_at      timestamptz NOT NULL,
    decided_at      timestamptz,
    arrived_at      timestamptz,
    live            boolean NOT NULL GENERATED ALWAYS AS (state IN ('offered', 'confirmed')) STORED,
    FOREIGN KEY (round_id, port) REFERENCES round_port,
    UNIQUE (round_id, ord),
    UNIQUE (registration_id, round_id),
    CHECK ((state = 'offered') = (decided_at IS NULL))
) WITH (fillfactor = 80);
-- Confirming changes nothing that an index knows, and there is room on the page: no index is written for it.
CREATE UNIQUE INDEX offer_one_live ON offer (registration_id, program) WHERE live;
CREATE INDEX offer_window ON offer (window_id, id);
CREATE INDEX offer_slot ON offer (slot_id) WHERE live;

-- The pass of an appointment, to be shown at the port: it is signed from the statement at `leaf`. `appointment` names the
-- appointment on it and tells nothing else; from `expires_at` on no device takes it.
CREATE TABLE pass (
    offer_id        bigint PRIMARY KEY REFERENCES offer,
    registration_id bigint NOT NULL REFERENCES registration,
    appointment     text NOT NULL CHECK (appointment ~ '^[0-9a-f]{16}$'),
    leaf            bigint NOT NULL,
    expires_at      timestamptz NOT NULL
);
CREATE INDEX pass_expires ON pass (expires_at);

-- One row: what was confirmed at leaves before `next_leaf` has its pass, if it was to have one.
CREATE TABLE issuing (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    next_leaf bigint NOT NULL CHECK (next_leaf >= 0)
);
INSERT INTO issuing (next_leaf) VALUES (0);

-- Places taken at slots and ports follow from the offers that hold one: a live offer, and a person
-- who came or could have come. First ports, then slots are locked, each in key order, so that two commands
-- never wait for each other in a ring.
CREATE FUNCTION holds_place(state text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN state IN ('offered', 'confirmed', 'checked_in', 'missed');

CREATE FUNCTION count_new_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM round_port p
      WHERE (p.round_id, p.port) IN (SELECT n.round_id, n.port FROM new_rows n
                                      WHERE holds_place(n.state) AND n.phase <> 'honoured')
      ORDER BY p.round_id, p.port FOR NO KEY UPDATE;
    UPDATE round_port p SET used = p.used + d.persons
      FROM (SELECT round_id, port, sum(size) AS persons FROM new_rows
             WHERE holds_place(state) AND phase <> 'honoured' GROUP BY 1, 2) d
     WHERE p.round_id = d.round_id AND p.port = d.port;
    PERFORM 1 FROM slot s WHERE s.id IN (SELECT n.slot_id FROM new_rows n WHERE holds_place(n.state))
      ORDER BY s.id FOR NO KEY UPDATE;
    UPDATE slot s SET taken = s.taken + d.persons, honoured = s.honoured + d.over
      FROM (SELECT slot_id, sum(size) AS persons, coalesce(sum(size) FILTER (WHERE phase = 'honoured'), 0) AS over
              FROM new_rows WHERE holds_place(state) GROUP BY 1) d
     WHERE s.id = d.slot_id;
    RETURN NULL;
END $$;

CREATE FUNCTION count_freed_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM old_rows o JOIN new_rows n USING (id)
         WHERE holds_place(o.state) AND NOT holds_place(n.state)) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM round_port p
      WHERE (p.round_id, p.port) IN (SELECT o.round_id, o.port FROM old_rows o JOIN new_rows n USING (id)
                                      WHERE holds_place(o.state) AND NOT holds_place(n.state) AND o.phase <> 'honoured')
      ORDER BY p.round_id, p.port FOR NO KEY UPDATE;
    UPDATE round_port p SET used = p.used - d.persons
      FROM (SELECT o.round_id, o.port, sum(o.size) AS persons FROM old_rows o JOIN new_rows n USING (id)
             WHERE holds_place(o.state) AND NOT holds_place(n.state) AND o.phase <> 'honoured' GROUP BY 1, 2) d
     WHERE p.round_id = d.round_id AND p.port = d.port;
    PERFORM 1 FROM slot s
      WHERE s.id IN (SELECT o.slot_id FROM old_rows o JOIN new_rows n USING (id)
                      WHERE holds_place(o.state) AND NOT holds_place(n.state))
      ORDER BY s.id FOR NO KEY UPDATE;
    UPDATE slot s SET taken = s.taken - d.persons, honoured = s.honoured - d.over
      FROM (SELECT o.slot_id, sum(o.size) AS persons, coalesce(sum(o.size) FILTER (WHERE o.phase = 'honoured'), 0) AS over
              FROM old_rows o JOIN new_rows n USING (id)
             WHERE holds_place(o.state) AND NOT holds_place(n.state) GROUP BY 1) d
     WHERE s.id = d.slot_id;
    RETURN NULL;
END $$;

-- 6. Evidence --------------------------------------------------------------------------------

CREATE TABLE sample (
    at     timestamptz NOT NULL,             -- end of its ten seconds
    source text NOT NULL,
    ok     integer NOT NULL CHECK (ok >= 0),
    failed integer NOT NULL CHECK (failed >= 0),
    PRIMARY KEY (at, source)
);

-- One row: samples from `since` on may say something about outages that is not on record yet.
CREATE TABLE looking (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    since  timestamptz NOT NULL
);
INSERT INTO looking (since) VALUES ('2000-01-01T00:00:00Z');

CREATE TABLE outage (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    start_at    timestamptz NOT NULL,
    end_at      timestamptz,
    notice_at   timestamptz,                 -- when everyone affected had been told that it is over
    recorded_at timestamptz NOT NULL,
    told_up_to  bigint NOT NULL DEFAULT 0,   -- the last registration, by id, that has a notice about this end
    CHECK (end_at >= start_at),
    CHECK (notice_at IS NULL OR end_at IS NOT NULL)
);

-- A try to confirm that failed or was never answered.
CREATE TABLE attempt (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    registration_id bigint NOT NULL REFERENCES registration,
    program         text NOT NULL REFERENCES program,
    at              timestamptz NOT NULL,
    fault           text NOT NULL,
    UNIQUE (registration_id, program, at)
);

-- What the public is told of: one or more outages, or a disturbance at a port. Nothing in it moves a deadline; outages do.
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

-- 7. What was said ---------------------------------------------------------------------------

-- The answer to an act that carried an idempotency key; the same key gets the same answer. Answers and notices are
-- written under the lock of their registration, thousands in a second, and no registration is ever deleted: a foreign
-- key would look up each of them once more.
CREATE TABLE answer (
    registration_id bigint NOT NULL,
    key             text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    digest          bytea NOT NULL,          -- of what was asked
    kind            text NOT NULL,
    facts           jsonb NOT NULL,
    at              timestamptz NOT NULL,
    PRIMARY KEY (registration_id, key)
);

-- The outbox: written in the transaction of the act, so that no message can be about something
-- that is not committed.
CREATE TABLE notice (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    registration_id bigint NOT NULL,
    kind            text NOT NULL,
    facts           jsonb NOT NULL,          -- no personal data
    outage_id       bigint REFERENCES outage,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'unreachable')),
    tries           smallint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    sent_at         timestamptz,
    planned_at      timestamptz              -- from here on its deliveries say how far it is
);
-- Told once of each end that an outage was given.
CREATE UNIQUE INDEX notice_told_once ON notice (outage_id, registration_id, facts) WHERE outage_id IS NOT NULL;
CREATE INDEX notice_due ON notice (due_at, id) WHERE state = 'waiting' AND planned_at IS NULL;
CREATE INDEX notice_outage ON notice (outage_id) WHERE state = 'waiting' AND outage_id IS NOT NULL;
CREATE INDEX notice_failed ON notice (id) WHERE state = 'failed';

-- A notice on its way to one person over one channel: each is tried again by itself, and none is sent to somebody who
-- has it already. `recipient` is a keyed hash; the address stands in the person's sealed data alone.
CREATE TABLE delivery (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id  bigint NOT NULL REFERENCES notice,
    channel    text NOT NULL CHECK (channel IN ('file', 'email', 'sms', 'push')),
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

-- The ledger: one row that counts the leaves and makes those who append wait for each other, the
-- leaves, and for each leaf the statement and the salt that link it to what it says. Destroying
-- a statement leaves the tree whole.
CREATE TABLE ledger (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint NOT NULL CHECK (size >= 0)
);
INSERT INTO ledger (size) VALUES (0);

CREATE TABLE leaf (
    index bigint PRIMARY KEY CHECK (index >= 0),
    data  bytea NOT NULL CHECK (octet_length(data) = 32),
    at    timestamptz NOT NULL
);

CREATE TABLE statement (
    leaf            bigint PRIMARY KEY,
    registration_id bigint,
    kind            text NOT NULL,
    salt            bytea NOT NULL CHECK (octet_length(salt) = 16),
    body            text NOT NULL
);
CREATE INDEX statement_registration ON statement (registration_id) WHERE registration_id IS NOT NULL;

-- The ledger's signed heads, as they were published. One that contradicts an earlier one is refused here too.
CREATE TABLE checkpoint (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    size         bigint NOT NULL CHECK (size > 0),
    root         bytea NOT NULL CHECK (octet_length(root) = 32),
    note         text NOT NULL,              -- the signed note, with the cosignatures it had
    signed_at    timestamptz NOT NULL,
    witnessed_at timestamptz                 -- when the policy's quorum of witnesses was complete, by their clocks
);
CREATE INDEX checkpoint_size ON checkpoint (size);

CREATE FUNCTION refuse_contradiction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM checkpoint c WHERE c.size > NEW.size OR (c.size = NEW.size AND c.root <> NEW.root))
       OR NEW.size > (SELECT size FROM ledger) THEN
        RAISE EXCEPTION 'a checkpoint over % leaves contradicts an earlier one or the ledger', NEW.size
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER checkpoint_contradicts_none BEFORE INSERT ON checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_contradiction();

-- 8. The guards ------------------------------------------------------------------------------

CREATE TRIGGER registration_begins AFTER INSERT ON registration REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_beginning('registration');
CREATE TRIGGER registration_moves AFTER UPDATE ON registration REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_edge('registration');

CREATE TRIGGER request_begins AFTER INSERT ON request REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_beginning('request');
CREATE TRIGGER request_moves AFTER UPDATE ON request REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_edge('request');

CREATE TRIGGER round_begins AFTER INSERT ON round REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_beginning('round');
CREATE TRIGGER round_moves AFTER UPDATE ON round REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_edge('round');

CREATE TRIGGER offer_begins AFTER INSERT ON offer REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_beginning('offer');
CREATE TRIGGER offer_moves AFTER UPDATE ON offer REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_edge('offer');
CREATE TRIGGER offer_counted AFTER INSERT ON offer REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_offers();
CREATE TRIGGER offer_freed AFTER UPDATE ON offer REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_freed_offers();
CREATE TRIGGER offer_stays BEFORE DELETE OR TRUNCATE ON offer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_keeps BEFORE UPDATE OF id, registration_id, program, round_id, port, slot_id, window_id, size, ord, phase,
                                            offered_at ON offer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER pass_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pass
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER edge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON edge
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER result_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON result
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER honoured_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON honoured
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON leaf
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER leaf_counted_up BEFORE UPDATE ON ledger
    FOR EACH ROW WHEN (NEW.size < OLD.size) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_stays BEFORE DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_not_rewritten BEFORE UPDATE ON statement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER incident_stays BEFORE DELETE OR TRUNCATE ON incident
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER incident_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON incident_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER round_port_stays BEFORE DELETE OR TRUNCATE ON round_port
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER round_port_keeps BEFORE UPDATE OF round_id, port, capacity, carry, places, overshoot ON round_port
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER round_port_keeps_carry BEFORE UPDATE ON round_port
    FOR EACH ROW WHEN (OLD.carry_out IS NOT NULL AND NEW.carry_out IS DISTINCT FROM OLD.carry_out)
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER round_stays BEFORE DELETE OR TRUNCATE ON round
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What was sealed or drawn never changes; only what comes after may be written beside it. One thing may move: as long
-- as there is no random value, to which one of later the round waits, and the manifest that names it.
CREATE FUNCTION refuse_rewriting_a_round() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    postponing boolean := OLD.state = 'sealed' AND NEW.state = 'sealed' AND OLD.proof IS NULL AND NEW.proof IS NULL
                          AND NEW.postponed = OLD.postponed + 1 AND NEW.seed_at > OLD.seed_at;
BEGIN
    IF (NEW.program, NEW.date, NEW.opens_at, NEW.closes_at) IS DISTINCT FROM (OLD.program, OLD.date, OLD.opens_at, OLD.closes_at)
       OR (NEW.wrapped_key, NEW.root, NEW.entry_count, NEW.sealed_at)
        IS DISTINCT FROM (OLD.wrapped_key, OLD.root, OLD.entry_count, OLD.sealed_at)
       OR (NOT postponing AND (NEW.seed_at, NEW.draw_at, NEW.manifest, NEW.postponed)
           IS DISTINCT FROM (OLD.seed_at, OLD.draw_at, OLD.manifest, OLD.postponed))
       OR (NOT postponing AND OLD.sealed_leaf IS NOT NULL AND NEW.sealed_leaf IS DISTINCT FROM OLD.sealed_leaf)
       OR (OLD.proof IS NOT NULL AND (NEW.proof, NEW.seeded_at) IS DISTINCT FROM (OLD.proof, OLD.seeded_at))
       OR (OLD.state IN ('drawn', 'closed', 'void')
           AND (NEW.seed, NEW.results_hash, NEW.drawn_at, NEW.void_reason)
               IS DISTINCT FROM (OLD.seed, OLD.results_hash, OLD.drawn_at, OLD.void_reason)) THEN
        RAISE EXCEPTION 'round % of % is % and cannot be rewritten', OLD.date, OLD.program, OLD.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER round_not_rewritten BEFORE UPDATE ON round
    FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_rewriting_a_round();

-- The list of a round is complete when it is sealed, and its results when it is drawn. A row of
-- either is refused afterwards.
CREATE FUNCTION refuse_late_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    late record;
BEGIN
    SELECT r.program, r.date, r.state INTO late
      FROM (SELECT DISTINCT round_id FROM new_rows) n JOIN round r ON r.id = n.round_id
     WHERE r.state <> TG_ARGV[0] LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'round % of % is %: nothing is added to its %', late.date, late.program, late.state, TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER round_port_in_time AFTER INSERT ON round_port REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('open');
CREATE TRIGGER entry_in_time AFTER INSERT ON entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('open');
CREATE TRIGGER result_in_time AFTER INSERT ON result REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('sealed');
CREATE TRIGGER honoured_in_time AFTER INSERT ON honoured REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('drawn');

-- Over capacity is only who was honoured, and honoured is nobody who is in the list.
CREATE FUNCTION refuse_over_capacity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n WHERE n.phase = 'honoured'
                  AND NOT EXISTS (SELECT 1 FROM honoured h
                                   WHERE h.round_id = n.round_id AND h.registration_id = n.registration_id)) THEN
        RAISE EXCEPTION 'a place over capacity is for who was honoured' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER offer_over_capacity AFTER INSERT ON offer REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_over_capacity();

CREATE FUNCTION refuse_honouring_the_listed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n JOIN entry e
                   ON e.round_id = n.round_id AND (e.ticket = n.ticket OR e.registration_id = n.registration_id)) THEN
        RAISE EXCEPTION 'who is in the list is not missing from it' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER honoured_not_listed AFTER INSERT ON honoured REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_honouring_the_listed();
