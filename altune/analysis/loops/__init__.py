"""What each loop of a recipe did."""
