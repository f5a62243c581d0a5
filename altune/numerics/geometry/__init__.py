"""Mathematics of distances, coverings and clusterings that several knobs share: arrays in, arrays out.

Nothing here knows of labels' values, models or recipes. Memory stays bounded: pairwise work goes in
blocks, and no function makes an N×N array of a large pool.
"""
