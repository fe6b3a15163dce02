"""The owner's secret: one line in the file ``token`` of the store, for its owner's eyes only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from perstream.errors import StoreError
from perstream.web.roster import new_token, write_private

FILE = "token"
MAX_BYTES = 1024


def token_file(store: Path) -> Path:
    """Where it lies."""
    return store / FILE


def ensure_token(store: Path) -> str:
    """The token of this store; made when there is none. StoreError when it cannot be kept."""
    path = token_file(store)
    try:
        with contextlib.suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(new_token() + "\n")
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"cannot write the token file {path}: {error.strerror}") from error
    return read_token(store)


def rotate_token(store: Path) -> str:
    """A new token in the place of the old one, which a running daemon refuses from its next look on. StoreError."""
    token = new_token()
    write_private(token_file(store), token + "\n")
    return token


def read_token(store: Path) -> str:
    """The token of this store. StoreError when there is none that can be used."""
    path = token_file(store)
    try:
        with path.open("rb") as file:
            token = file.read(MAX_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"cannot read the token file {path}: delete it and start the daemon again") from error
    if len(token) < 20 or not token.isprintable() or " " in token:
        raise StoreError(f"the token file {path} is damaged: delete it and start the daemon again")
    return token
