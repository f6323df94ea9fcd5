"""A person in the loop: look at masks, judge them, correct them."""
