-- Minutes that got rows are suspected to differ; when they are many they wait here until each was read again.

ALTER TABLE repair_request ADD COLUMN cause text NOT NULL DEFAULT 'reconciliation'
    CHECK (cause IN ('reconciliation', 'late_commit'));
COMMENT ON COLUMN repair_request.cause IS
    'reconciliation: source and ledger differ for certain; late_commit: the minute got rows, which may be the same';
COMMENT ON TABLE source_fence IS
    'The fence of the newest deep search for late commits; that of the newest short one is not kept';
