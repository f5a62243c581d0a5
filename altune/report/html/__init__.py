"""The templates of HTML pages, and the blocks that a page consists of."""
