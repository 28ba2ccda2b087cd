"""Signatures that the formats use: Ed25519, ECDSA P-256 and RSA PKCS #1, each with SHA-256 where it has a hash."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key


def load_spki(raw: bytes | None):
    """None for what is no key of these kinds, or is written in another form: one key has one thumbprint."""
    try:
        key = load_der_public_key(raw or b"")
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        return None
    return key if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == raw else None


def is_rsa_size(modulus: int, exponent: int) -> bool:
    """human-proof.md §5: what every verifier takes."""
    is_odd = modulus & exponent & 1 == 1
    return is_odd and 2_048 <= modulus.bit_length() <= 4_096 and 3 <= exponent < 1 << 31


def is_valid(key, message: bytes, signature: bytes | None) -> bool:
    if signature is None:
        return False
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            # One signature has one spelling.
            r, s = utils.decode_dss_signature(signature)
            if r <= 0 or s <= 0 or utils.encode_dss_signature(r, s) != signature:
                return False
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            numbers = key.public_numbers()
            if not is_rsa_size(numbers.n, numbers.e):
                return False
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True
