# Copyright 2026 her_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
Ed25519 signatures of policy files (RFC 8032).

The signature is a file beside the policy, in the format that OpenSSL writes::

    openssl genpkey -algorithm ed25519 -out key.pem
    openssl pkey -in key.pem -pubout -out public.pem
    openssl pkeyutl -sign -rawin -inkey key.pem -in policy.onnx -out policy.onnx.sig
"""

from pathlib import Path
import stat

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from her_ros.policy.errors import PolicyError

_SIZE = 64
# Largest file of a key or a signature, bytes.
_MAX_BYTES = 1 << 16
_MAKE_KEY = 'openssl pkey -in key.pem -pubout -out public.pem'
_SIGN = 'openssl pkeyutl -sign -rawin -inkey key.pem'


def read_regular(path: Path, max_bytes: int) -> bytes:
    """
    Read a regular file; a pipe or a device may have no end.

    :raises FileNotFoundError: if there is no file
    :raises PolicyError: if it cannot be read, is not a regular file or is too large
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise PolicyError('cannot be read (not a regular file)', 'name a file', path)
        if found.st_size > max_bytes:
            raise PolicyError(
                f'{found.st_size} bytes', f'at most {max_bytes} are read', source=path
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PolicyError(
            f'cannot be read ({error.strerror})', 'name a readable file', path
        ) from None
    except ValueError as error:  # a NUL in the name
        raise PolicyError(
            f'cannot be read ({error})', 'name a file that exists', repr(str(path))
        ) from None


def load_key(path: Path) -> Ed25519PublicKey:
    """
    Read a public key in PEM.

    :raises PolicyError: if the file is missing, or does not hold an Ed25519 public key
    """
    try:
        content = read_regular(path, _MAX_BYTES)
    except FileNotFoundError as error:
        raise PolicyError(
            f'the key cannot be read ({error.strerror})', f'make it by {_MAKE_KEY}', path
        ) from None
    if b'PRIVATE KEY' in content:
        raise PolicyError(
            'a private key, which must not lie on a robot',
            f'its public half is needed ({_MAKE_KEY})',
            source=path,
        )
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise PolicyError('not a public key in PEM', f'make one by {_MAKE_KEY}', path) from None
    if not isinstance(key, Ed25519PublicKey):
        kind = type(key).__name__.removesuffix('PublicKey')
        raise PolicyError(f'a key for {kind}', 'one for Ed25519 is needed', source=path)
    return key


def signature_path(model: Path) -> Path:
    """Return the path of the signature of a policy file."""
    return model.with_name(f'{model.name}.sig')


def read_signature(model: Path) -> bytes:
    """
    Read the signature beside a policy file; empty if there is none.

    :raises PolicyError: if it exists and cannot be read
    """
    path = signature_path(model)
    try:
        return read_regular(path, _MAX_BYTES)
    except FileNotFoundError:
        return b''


def verify(content: bytes, signature: bytes, key: Ed25519PublicKey, origin: str) -> None:
    """
    Check the signature of a policy file.

    :param signature: raw, 64 bytes; empty if there is none
    :param origin: source of the bytes, named in errors
    :raises PolicyError: if it is missing, or was not made for these bytes with this key
    """
    if not signature:
        raise PolicyError(
            'not signed, and only signed policies may act',
            f'sign it ({_SIGN} -in policy.onnx -out policy.onnx.sig)',
            source=origin,
        )
    if len(signature) != _SIZE:
        raise PolicyError(
            f'its signature has {len(signature)} bytes, one of Ed25519 has {_SIZE}',
            f'sign it again ({_SIGN} …)',
            source=origin,
        )
    try:
        key.verify(signature, content)
    except InvalidSignature:
        raise PolicyError(
            'its signature is wrong: the file was altered, or signed with another key'
            ' than that of verify_key',
            f'sign it anew with the key of verify_key ({_SIGN} …)',
            origin,
        ) from None
