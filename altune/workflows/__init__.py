"""A module for each public verb: it simulates, analyses and writes."""
