"""What `check` looks at: the installation, the source, one sampled hour, and the running service."""
