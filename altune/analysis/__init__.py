"""What a finished search or comparison says, as numbers: no plots here, :mod:`altune.report` draws them."""
