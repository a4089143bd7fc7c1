-- Rows of the recipe `payment_events`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO payment_events
           SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || n % 3)::uuid,
                  (ARRAY['PAID', 'PAID', 'REFUNDED', 'PARTIAL_REFUND', 'FAILED'])[1 + n % 5]::event_type, 1000 + n,
                  timestamptz '2026-03-10 02:30Z' + n * interval '1 minute'
           FROM generate_series(0, 99) AS n;
-- count
SELECT merchant_uuid::text, count(*) FILTER (WHERE event_type = 'PAID'),
                  count(*) FILTER (WHERE event_type <> 'PAID'), sum(amount)
           FROM payment_events WHERE event_type <> 'FAILED'
           AND event_time >= '2026-03-10 03:00Z' AND event_time < '2026-03-10 04:00Z' GROUP BY 1
