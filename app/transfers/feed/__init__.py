"""The latest alerts as they come, and one payment with why it was judged as it was."""
