"""Plotly figures: in each module the numbers of one question, and the figure that shows them."""
