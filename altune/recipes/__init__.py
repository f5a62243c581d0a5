"""Recipes, their description in words, their requirements, and search spaces: recipes with open choices."""
