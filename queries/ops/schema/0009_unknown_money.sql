-- Money at risk that nobody could say is null, never 0: an incident does not wait for it.

ALTER TABLE incident
    ALTER COLUMN krw_at_risk DROP NOT NULL,
    ALTER COLUMN paid_out_cancelable DROP NOT NULL,
    ALTER COLUMN cancelled_unrecovered DROP NOT NULL,
    ADD CONSTRAINT incident_money_check
        CHECK ((krw_at_risk IS NULL) = (paid_out_cancelable IS NULL OR cancelled_unrecovered IS NULL)),
    ADD CONSTRAINT incident_platform_money_check CHECK (rule NOT LIKE 'platform%' OR krw_at_risk IS NOT NULL);
COMMENT ON COLUMN incident.krw_at_risk IS 'Null: a part of it is not known';
