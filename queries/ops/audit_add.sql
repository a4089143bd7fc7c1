-- Add a row to the audit.
-- Parameters: number, at, account_id, actor, role, door, credential, origin, act, kind, thing, of_pack (whose it is;
--   empty: the installation's), outcome, before and after (JSON texts, or null), why, previous, hash. Grain: none.
INSERT INTO audit (number, at, account_id, actor, role, door, credential, origin, act, kind, thing, pack, outcome,
                   before, after, why, previous, hash)
VALUES (:number, :at, :account_id, :actor, :role, :door, :credential, :origin, :act, :kind, :thing, :of_pack, :outcome,
        CAST(:before AS json), CAST(:after AS json), :why, :previous, :hash)
