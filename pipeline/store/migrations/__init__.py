"""Migrations of the operational database: Alembic revisions whose SQL lies in queries/ops/schema/."""
