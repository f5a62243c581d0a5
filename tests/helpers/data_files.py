"""Files that are refused."""

import pytest

from altune.core.errors import DataError
from altune.data import Dataset


def refused(path, **options):
    """Return the one line with which a file is refused; it names the file."""
    with pytest.raises(DataError) as caught:
        Dataset.from_file(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message
