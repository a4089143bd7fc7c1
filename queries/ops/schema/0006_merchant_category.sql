-- Which category a merchant is of, from a minute on until its next row; null: unknown from then on.
-- Minutes are judged again with the categories of their own time, so nothing before the next minute changes.

CREATE TABLE merchant_category (
    merchant_id text NOT NULL,
    from_minute timestamptz NOT NULL CHECK (from_minute = date_trunc('minute', from_minute, 'UTC')),
    category    text CHECK (category <> '' AND length(category) <= 80),
    PRIMARY KEY (merchant_id, from_minute)
);
CREATE INDEX merchant_category_from_minute ON merchant_category (from_minute);
