-- What a confirmation writes, made cheap: no index of an offer depends on its state, so that changing the state touches
-- none (a heap-only update); and no row of the outbox or of the stored answers is checked against the registration
-- under whose lock it is written.

ALTER TABLE offer SET (fillfactor = 80);
ALTER TABLE offer ADD COLUMN live boolean NOT NULL GENERATED ALWAYS AS (state IN ('offered', 'confirmed')) STORED;
DROP INDEX offer_one_live;
DROP INDEX offer_open;
DROP INDEX offer_slot;
CREATE UNIQUE INDEX offer_one_live ON offer (registration_id, program) WHERE live;
CREATE INDEX offer_window ON offer (window_id);
CREATE INDEX offer_slot ON offer (slot_id) WHERE live;

ALTER TABLE answer DROP CONSTRAINT answer_registration_id_fkey;
ALTER TABLE notice DROP CONSTRAINT notice_registration_id_fkey;
ALTER TABLE notice DROP CONSTRAINT notice_outage_id_registration_id_facts_key;
CREATE UNIQUE INDEX notice_told_once ON notice (outage_id, registration_id, facts) WHERE outage_id IS NOT NULL;
DROP INDEX notice_registration;
