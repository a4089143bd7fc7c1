"""Commands about who comes in, and what they have done."""
