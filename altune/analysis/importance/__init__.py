"""How much each knob explains of the values that a search has reached."""
