"""What learns from other data sets, writes files and shows progress."""
