"""What is published is compared with the source, corrected, proven and stated."""
