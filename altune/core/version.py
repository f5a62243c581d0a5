"""The version of altune."""

__version__ = "0.1.0"
