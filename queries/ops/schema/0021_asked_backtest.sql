-- Somebody asked what a version would have done; a running service measures it and takes the question away.
ALTER TABLE rule_version
    ADD COLUMN backtest_asked_at   timestamptz,
    ADD COLUMN backtest_started_at timestamptz,  -- null: nobody measures it yet
    ADD CHECK (backtest_asked_at IS NULL OR status IN ('draft', 'submitted')),
    ADD CHECK (backtest_started_at IS NULL OR status IN ('draft', 'submitted'));
