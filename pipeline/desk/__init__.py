"""What people do: each act changes something and leaves what is told of it, in one transaction."""
