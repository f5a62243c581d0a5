"""Helpers of the benchmarks; the files beside this folder are the benchmarks themselves, one for each question."""
