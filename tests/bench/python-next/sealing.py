"""Opens sealed secrets; their form is that of shared/secrets/src/sealing.rs."""

import base64
import os

from aws import kms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_ID = os.environ["CREDENTIALS_KEY"]
_VERSION = 1
_NONCE_LENGTH = 12
_REMEMBERED = 256

_opened: dict[bytes, AESGCM] = {}


def unseal(owner: str, sealed: str) -> bytes:
    """The secret of the item `owner`."""
    parts = base64.b64decode(sealed + "=" * (-len(sealed) % 4))
    if parts[0] != _VERSION:
        raise ValueError("the sealed secret is of another version")
    key_end = 3 + int.from_bytes(parts[1:3])
    nonce_end = key_end + _NONCE_LENGTH
    secret: bytes = _key(parts[3:key_end]).decrypt(parts[key_end:nonce_end], parts[nonce_end:], owner.encode())
    return secret


def _key(encrypted: bytes) -> AESGCM:
    key = _opened.get(encrypted)
    if key is None:
        if len(_opened) >= _REMEMBERED:
            _opened.clear()
        key = _opened[encrypted] = AESGCM(kms.decrypt(KeyId=_KEY_ID, CiphertextBlob=encrypted)["Plaintext"])
    return key
