-- Who was missing from a sealed list, and has a receipt of the request, is offered over capacity what the draw would
-- have given: see docs/operations/honour.md.
ALTER TABLE slot ADD COLUMN honoured integer NOT NULL DEFAULT 0;
ALTER TABLE slot DROP CONSTRAINT slot_never_oversold;
ALTER TABLE slot ADD CONSTRAINT slot_never_oversold
    CHECK (taken >= honoured AND honoured >= 0 AND taken <= capacity + overshoot + honoured);
ALTER TABLE round ADD COLUMN honoured integer NOT NULL DEFAULT 0 CHECK (honoured >= 0);
ALTER TABLE offer DROP CONSTRAINT offer_phase_check;
ALTER TABLE offer ADD CONSTRAINT offer_phase_check CHECK (phase IN ('seniority', 'lottery', 'reserve', 'honoured'));

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
CREATE TRIGGER honoured_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON honoured
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER honoured_in_time AFTER INSERT ON honoured REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rows('drawn');

-- `used` of a port of a round leaves those over capacity out; `taken` and `honoured` of a slot count them.
CREATE OR REPLACE FUNCTION count_new_offers() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION count_freed_offers() RETURNS trigger LANGUAGE plpgsql AS $$
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
