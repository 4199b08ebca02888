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

import shutil
import subprocess

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from her_ros.policy.errors import PolicyError
from her_ros.policy.signature import load_key, read_signature, signature_path, verify
import pytest

CONTENT = bytes(range(256)) * 40


def pem(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def private():
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def refused(*args):
    """Return why a signature is refused."""
    with pytest.raises(PolicyError) as caught:
        verify(*args)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_what_the_owner_signed_passes(private, tmp_path):
    path = tmp_path / 'public.pem'
    path.write_bytes(pem(private))
    verify(CONTENT, private.sign(CONTENT), load_key(path), 'here')


def test_any_bit_that_changes_is_seen(private):
    key, signature = private.public_key(), private.sign(CONTENT)
    for position in range(0, len(CONTENT), 997):
        altered = bytearray(CONTENT)
        altered[position] ^= 1 << position % 8
        assert 'here: its signature is wrong' in refused(bytes(altered), signature, key, 'here')
    for position in range(64):
        altered = bytearray(signature)
        altered[position] ^= 1 << position % 8
        assert 'here: its signature is wrong' in refused(CONTENT, bytes(altered), key, 'here')
    assert 'is wrong' in refused(CONTENT[:-1], signature, key, 'here')
    assert 'is wrong' in refused(CONTENT + b'\0', signature, key, 'here')


def test_the_signature_of_another_is_refused(private):
    other = Ed25519PrivateKey.generate()
    assert 'another key' in refused(CONTENT, other.sign(CONTENT), private.public_key(), 'here')


def test_no_signature_is_said_to_be_none(private):
    assert refused(CONTENT, b'', private.public_key(), 'here').startswith('here: not signed')


@pytest.mark.parametrize('size', [1, 63, 65, 128])
def test_a_signature_of_another_size_is_refused_by_its_size(private, size):
    signature = (private.sign(CONTENT) * 2)[:size]
    assert f'has {size} bytes' in refused(CONTENT, signature, private.public_key(), 'here')


def test_a_signature_lies_beside_its_file(tmp_path):
    model = tmp_path / 'policy.onnx'
    assert signature_path(model) == tmp_path / 'policy.onnx.sig'
    assert read_signature(model) == b''
    signature_path(model).write_bytes(b'signed')
    assert read_signature(model) == b'signed'


def test_a_signature_that_cannot_be_read_is_not_taken_for_none(tmp_path):
    signature_path(tmp_path / 'policy.onnx').mkdir()
    with pytest.raises(PolicyError, match=r'policy.onnx.sig: cannot be read'):
        read_signature(tmp_path / 'policy.onnx')


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (lambda: b'', 'not a public key in PEM'),
        (lambda: b'\x00\xff' * 50, 'not a public key in PEM'),
        (lambda: pem(Ed25519PrivateKey.generate())[:60], 'not a public key in PEM'),
        (lambda: private_pem(Ed25519PrivateKey.generate()), 'a private key, .* public half'),
        (lambda: pem(rsa.generate_private_key(65537, 2048)), 'a key for RSA; one for Ed25519'),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), 'a key for EC; one for Ed25519'),
    ],
    ids=['empty', 'binary', 'cut', 'private', 'rsa', 'ec'],
)
def test_what_is_no_such_key_is_refused(tmp_path, content, reason):
    path = tmp_path / 'public.pem'
    path.write_bytes(content())
    with pytest.raises(PolicyError, match=f'^{path}: {reason}') as caught:
        load_key(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_key_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match=f'^{tmp_path}/none.pem: the key cannot be read'):
        load_key(tmp_path / 'none.pem')


@pytest.mark.skipif(not shutil.which('openssl'), reason='openssl is not installed')
def test_what_openssl_signs_as_the_docs_say_passes(tmp_path):
    def openssl(*words):
        subprocess.run(['openssl', *words], cwd=tmp_path, check=True, capture_output=True)

    model = tmp_path / 'policy.onnx'
    model.write_bytes(CONTENT)
    openssl('genpkey', '-algorithm', 'ed25519', '-out', 'key.pem')
    openssl('pkey', '-in', 'key.pem', '-pubout', '-out', 'public.pem')
    sign = ('pkeyutl', '-sign', '-rawin', '-inkey', 'key.pem')
    openssl(*sign, '-in', 'policy.onnx', '-out', 'policy.onnx.sig')
    key = load_key(tmp_path / 'public.pem')
    verify(CONTENT, read_signature(model), key, str(model))
    assert 'is wrong' in refused(CONTENT[1:], read_signature(model), key, str(model))
