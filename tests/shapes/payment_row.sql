-- Shape 2: one row for each payment, cancelled in place; Seoul times without a zone; names in mixed case and quoted;
-- a schema of its own; soft deletes; failed payments.
CREATE SCHEMA "Pay";
CREATE TABLE "Pay"."Shops" ("shopId" VARCHAR(20) PRIMARY KEY, "shopName" TEXT);
CREATE TABLE "Pay"."Payments" (
    id BIGSERIAL PRIMARY KEY, "shopId" VARCHAR(20), status TEXT, amount NUMERIC(18, 2), "cancelAmount" NUMERIC(18, 2),
    "paidAt" TIMESTAMP, "canceledAt" TIMESTAMP, "updatedAt" TIMESTAMP NOT NULL, "deletedAt" TIMESTAMP
);
CREATE INDEX ON "Pay"."Payments" ("paidAt");
CREATE INDEX ON "Pay"."Payments" ("canceledAt") WHERE "canceledAt" IS NOT NULL;
CREATE INDEX ON "Pay"."Payments" ("updatedAt");
INSERT INTO "Pay"."Shops" SELECT 'S' || m, 'Shop ' || m FROM generate_series(1, 3) AS m;
INSERT INTO "Pay"."Payments" ("shopId", status, amount, "paidAt", "updatedAt")
SELECT 'S' || m, 'PAID', 1000 * m, t AT TIME ZONE 'Asia/Seoul', t AT TIME ZONE 'Asia/Seoul'
FROM generate_series(1, 3) AS m, generate_series({start}, now(), '2 minutes') AS t
UNION ALL
SELECT 'S' || m, 'FAILED', 7, t AT TIME ZONE 'Asia/Seoul', t AT TIME ZONE 'Asia/Seoul'
FROM generate_series(1, 3) AS m, generate_series({start}, now(), '60 minutes') AS t
UNION ALL
SELECT 'S' || m, 'READY', 7, NULL, t AT TIME ZONE 'Asia/Seoul'
FROM generate_series(1, 3) AS m, generate_series({start}, now(), '60 minutes') AS t;
-- quiet: one payment in twenty is cancelled within its own minute, one in forty in part an hour later
UPDATE "Pay"."Payments" SET status = 'CANCELED', "canceledAt" = "paidAt" + interval '5 seconds',
    "cancelAmount" = amount, "updatedAt" = "paidAt" + interval '5 seconds'
WHERE status = 'PAID' AND id % 20 = 0;
UPDATE "Pay"."Payments" SET status = 'PARTIAL_CANCELED', "canceledAt" = "paidAt" + interval '1 hour',
    "cancelAmount" = 10, "updatedAt" = "paidAt" + interval '1 hour'
WHERE status = 'PAID' AND id % 40 = 1 AND "paidAt" < now() AT TIME ZONE 'Asia/Seoul' - interval '1 hour';
UPDATE "Pay"."Payments" SET "deletedAt" = "paidAt" WHERE id % 500 = 3;
-- the surge of shop 2: payments of the last days, cancelled now, one every 10 seconds
UPDATE "Pay"."Payments" AS p
SET status = 'CANCELED', "canceledAt" = s.at, "cancelAmount" = p.amount, "updatedAt" = s.at
FROM (
    SELECT row_number() OVER (ORDER BY t) AS n, t AT TIME ZONE 'Asia/Seoul' AS at
    FROM generate_series({surge}, now(), '10 seconds') AS t
) AS s
JOIN (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM "Pay"."Payments"
    WHERE "shopId" = 'S2' AND status = 'PAID' AND "deletedAt" IS NULL
) AS o ON o.n = s.n
WHERE p.id = o.id;
CREATE TABLE "Pay"."PaymentLogs" (id BIGSERIAL PRIMARY KEY, "shopId" TEXT, amount NUMERIC, "createdAt" TIMESTAMP);
