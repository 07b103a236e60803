-- The ledger's signed heads, and what binds a sealing to one of them.
INSERT INTO edge (subject, act, from_state, to_state) VALUES ('round', 'postpone', 'sealed', 'sealed');

ALTER TABLE round ADD COLUMN sealed_leaf bigint;
ALTER TABLE round ADD COLUMN postponed smallint NOT NULL DEFAULT 0;
UPDATE round r SET sealed_leaf = s.leaf FROM statement s
 WHERE s.kind = 'sealed' AND s.registration_id IS NULL
   AND s.body::jsonb ->> 'program' = r.program AND s.body::jsonb ->> 'round' = r.date::text
   AND r.state <> 'void';

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
CREATE TRIGGER checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION refuse_rewriting_a_round() RETURNS trigger LANGUAGE plpgsql AS $$
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
