"""Addresses of databases: URLs as PostgreSQL's own tools take them, translated for the driver that is used."""

from __future__ import annotations

import getpass
import importlib.util
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from altune.core.errors import MissingExtraError, RequestError, did_you_mean

SOCKET_SECONDS = 60
_MOST_SECONDS = 3600
_FORM = "write postgresql://USER@HOST:PORT/DATABASE, with the password in PGPASSWORD"
_DRIVERS = ("pg8000", "psycopg", "psycopg2")
_OPTIONS = ("application_name", "connect_timeout", "host", "port", "sslmode", "sslrootcert")


@dataclass(frozen=True)
class DatabaseAddress:
    """A PostgreSQL database with its driver and the arguments of the driver.

    It can be printed: its text has no password.

    Attributes
    ----------
    url : SQLAlchemy's URL, with driver, user and password.
    options : further arguments of the driver's ``connect``.
    """

    url: sa.URL
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        socket = self.options.get("unix_sock")
        query = f"?host={os.path.dirname(socket)}" if socket else ""
        return without_password(str(self.url.set(drivername="postgresql", query={}))) + query

    @property
    def full_url(self) -> str:
        """The URL with its password. Braces are escaped, because Optuna formats the URL."""
        return self.url.render_as_string(hide_password=False).replace("{", "%7B").replace("}", "%7D")


def without_password(url: str) -> str:
    """Return a URL without a password, in its user part or in its query, so that it can be printed.

    >>> without_password("postgresql://ann:secret@db.lab/tuning?sslmode=require&password=secret")
    'postgresql://ann@db.lab/tuning?sslmode=require'
    """
    shown = re.sub(r"(://[^/?:@]*):.*@", r"\1@", url, flags=re.DOTALL)
    shown = re.sub(
        r"(?<![&?\w])\w*pass\w*\s*=\s*('[^']*'|\S+)\s*", "", shown, flags=re.IGNORECASE
    )  # of libpq's other form
    base, _, query = shown.partition("?")
    options = [option for option in query.split("&") if option and "pass" not in option.partition("=")[0].lower()]
    return base + ("?" + "&".join(options) if options else "")


def parse_address(url: str, environment: Mapping[str, str] = os.environ) -> DatabaseAddress:
    """Read the URL of a database. Missing parts are taken from PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.

    Parameters
    ----------
    url : ``postgresql://USER@HOST:PORT/DATABASE``; ``?host=/folder`` is a unix socket, ``?sslmode=`` is as in libpq.
        ``postgresql+psycopg://`` and ``postgresql+psycopg2://`` use these drivers instead of pg8000.
    environment : environment variables.

    Raises
    ------
    RequestError
        If it is not the URL of a PostgreSQL database, or has an option that is not supported.
    MissingExtraError
        If the driver is not installed.
    """
    try:
        if not url.isprintable():
            raise ValueError("a control character")
        parsed = sa.make_url(url)
        parsed = parsed.set(drivername=parsed.drivername.lower())
        if parsed.port is not None:
            _checked_number("port", parsed.port, 65535)
    except (sa.exc.ArgumentError, ValueError):
        raise RequestError(f"{without_password(url)!r} is not the address of a database; {_FORM}") from None
    backend, _, driver = parsed.drivername.partition("+")
    _require_postgresql(backend, url)
    driver = driver or "pg8000"
    if driver not in _DRIVERS:
        raise RequestError(f"{without_password(url)}: unknown driver {driver!r}; {did_you_mean(driver, _DRIVERS)}")
    if importlib.util.find_spec(driver) is None:
        if driver == "pg8000":
            raise MissingExtraError("a study in PostgreSQL", "postgres")
        raise RequestError(
            f"{without_password(url)}: the driver {driver} is not installed; write postgresql://… for pg8000, "
            "which the extra 'postgres' installs"
        )
    parsed = parsed.set(drivername=f"postgresql+{driver}")
    if driver != "pg8000":
        return DatabaseAddress(parsed, {"connect_timeout": SOCKET_SECONDS})
    return _for_pg8000(parsed, environment)


def _require_postgresql(backend: str, url: str) -> None:
    if backend in ("postgresql", "postgres"):
        return
    if backend == "sqlite":
        raise RequestError(
            "a SQLite file cannot be shared, because SQLite is not made for several writing processes; use "
            "postgresql://…, or one machine and a run's folder (--out)"
        )
    raise RequestError(f"{without_password(url)}: a shared study needs PostgreSQL; {_FORM}")


def _for_pg8000(url: sa.URL, environment: Mapping[str, str]) -> DatabaseAddress:
    """Fill in missing parts from the environment as libpq does, and translate its options for pg8000."""
    asked = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    for name in asked:
        if name not in _OPTIONS:
            shown = without_password(url.render_as_string(hide_password=False)).replace("+pg8000", "")
            raise RequestError(f"{shown}: unknown option {name!r}; {did_you_mean(name, _OPTIONS)}")
        if not asked[name].isprintable():
            raise RequestError(f"{name}={asked[name]!r}: a control character; leave it out")
    host = url.host or asked.get("host") or environment.get("PGHOST") or "localhost"
    user = url.username or environment.get("PGUSER") or getpass.getuser()
    port = url.port or _checked_number("port", asked.get("port") or environment.get("PGPORT") or 5432, 65535)
    seconds = _checked_number("connect_timeout", asked.get("connect_timeout") or SOCKET_SECONDS, _MOST_SECONDS)
    options: dict[str, Any] = {"timeout": seconds}
    if host.startswith("/"):
        options |= {"unix_sock": f"{host}/.s.PGSQL.{port}", "ssl_context": False}
    else:
        mode = asked.get("sslmode") or environment.get("PGSSLMODE") or "prefer"
        options["ssl_context"] = _encryption(mode, asked.get("sslrootcert") or environment.get("PGSSLROOTCERT"))
    if "application_name" in asked:
        options["application_name"] = asked["application_name"]
    filled = sa.URL.create(
        url.drivername,
        username=user,
        password=url.password or environment.get("PGPASSWORD"),
        host=None if host.startswith("/") else host,
        port=None if host.startswith("/") else port,
        database=url.database or environment.get("PGDATABASE") or user,
    )
    return DatabaseAddress(filled, options)


def _checked_number(name: str, value: str | int, most: int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        raise RequestError(f"{name}={text}: give a number from 1 to {most}")
    return int(text)


def _encryption(mode: str, authority: str | None) -> bool | ssl.SSLContext | None:
    """Return pg8000's ``ssl_context`` for libpq's ``sslmode``."""
    unverified: dict[str, bool | None] = {"disable": False, "allow": None, "prefer": None, "require": True}
    if mode in unverified:
        return unverified[mode]
    if mode not in ("verify-ca", "verify-full"):
        raise RequestError(f"sslmode={mode}: {did_you_mean(mode, [*unverified, 'verify-ca', 'verify-full'])}")
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise RequestError(f"sslrootcert={authority}: {error.strerror or error}") from None
    context.check_hostname = mode == "verify-full"
    return context
