"""The dashboard: pages that read what the pipeline published. They compute no verdict."""
