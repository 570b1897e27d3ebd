"""Keys derived from the secret key; pseudonyms; seal and open."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.store.errors import SecretKeyError

NONCE = 12
"""Bytes of an AES-GCM nonce (NIST SP 800-38D, 8.2): drawn at random, which bears some 4 billion seals a key."""
SHORTEST = 16
"""Bytes that a secret key has at least."""
PSEUDONYM = 32
"""Hexadecimal digits of a pseudonym: 128 bits."""


class SealError(Exception):
    """What was sealed cannot be opened: another key, another purpose, or damage."""


class Sealing:
    """All that is made from the secret key. Each purpose has a key of its own (HKDF, RFC 5869)."""

    def __init__(self, secret: str) -> None:
        """
        Take the secret key.

        Raises:
            SecretKeyError: it is shorter than 16 bytes.
        """
        self._secret = secret.strip().encode()
        if len(self._secret) < SHORTEST:
            raise SecretKeyError(f"the secret key has fewer than {SHORTEST} characters")
        self._pseudonyms = self._key("pseudonym")
        self._ciphers: dict[str, AESGCM] = {}

    def _key(self, purpose: str) -> bytes:
        info = f"overdose-awareness-bot/{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)

    def pseudonym(self, *parts: str) -> str:
        """What a chat is known by: 32 hexadecimal digits that nobody without the key can lead back to an account."""
        return hmac.new(self._pseudonyms, "\x1f".join(parts).encode(), sha256).hexdigest()[:PSEUDONYM]

    def derived(self, purpose: str) -> str:
        """A secret of its own for a purpose: 43 characters of A-Z, a-z, 0-9, - and _."""
        return base64.urlsafe_b64encode(self._key(f"derived/{purpose}")).rstrip(b"=").decode()

    def seal(self, purpose: str, content: bytes) -> bytes:
        """The content, readable only with the key and for the same purpose."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher(purpose).encrypt(nonce, content, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """
        What was sealed.

        Raises:
            SealError: another key, another purpose, or damage.
        """
        try:
            return self._cipher(purpose).decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise SealError(purpose) from error

    def _cipher(self, purpose: str) -> AESGCM:
        if purpose not in self._ciphers:
            self._ciphers[purpose] = AESGCM(self._key(f"seal/{purpose}"))
        return self._ciphers[purpose]


def secret_beside(folder: Path) -> str:
    """
    The secret key kept beside an embedded database; made there at first start, readable by its owner only.

    Raises:
        SecretKeyError: it cannot be read or made, or others can read it.
    """
    path = folder / "secret.key"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            return _made(path)
        if path.stat().st_mode & 0o077:
            raise SecretKeyError(f"{path} can be read by others: chmod 600 {path}")
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretKeyError(f"{path}: {type(error).__name__}") from error


def _made(path: Path) -> str:
    """A new key, whole on disk before it has its name: a process that dies here leaves none, not half of one."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(made)
    except FileExistsError:
        pass  # another process was first, and its key is the key
    finally:
        made.unlink()
    return path.read_text(encoding="ascii").strip()
