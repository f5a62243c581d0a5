"""The active-learning loop: it asks for labels and is told them. The simulator and a campaign drive the same loop."""
