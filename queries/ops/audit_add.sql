-- Add a row to the audit. Parameters: its columns; before and after are JSON texts or null. Grain: none.
INSERT INTO audit (number, at, account_id, actor, role, door, credential, origin, act, kind, thing, pack, outcome,
                   before, after, why, previous, hash)
VALUES (:number, :at, :account_id, :actor, :role, :door, :credential, :origin, :act, :kind, :thing, :of_pack, :outcome,
        CAST(:before AS json), CAST(:after AS json), :why, :previous, :hash)
