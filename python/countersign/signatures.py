"""Signatures that the formats use: Ed25519, ECDSA P-256 and RSA PKCS #1, each with SHA-256 where it has a hash."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key


def load_spki(raw: bytes | None):
    """None for what is no key of these kinds."""
    try:
        key = load_der_public_key(raw or b"")
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    kinds = (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey, rsa.RSAPublicKey)
    return key if isinstance(key, kinds) else None


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
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True
