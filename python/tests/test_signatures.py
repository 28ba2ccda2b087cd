"""One key has one form, and so one thumbprint: as in packages/crypto-node."""

import unittest

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countersign import CountersignError
from countersign.passkey import rsa_key
from countersign.signatures import load_spki

# SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING of 33 bytes }
COMPRESSED = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
POINT_AT = 26


class Spki(unittest.TestCase):
    def setUp(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        self.spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.is_odd = self.spki[-1] % 2

    def test_is_read_with_its_point_uncompressed(self) -> None:
        self.assertIsNotNone(load_spki(self.spki))

    def test_is_no_key_with_a_hybrid_point(self) -> None:
        hybrid = bytes([*self.spki[:POINT_AT], 6 + self.is_odd, *self.spki[POINT_AT + 1 :]])
        self.assertIsNone(load_spki(hybrid))

    def test_is_no_key_with_a_compressed_point(self) -> None:
        x = self.spki[POINT_AT + 1 : POINT_AT + 33]
        self.assertIsNone(load_spki(COMPRESSED + bytes([2 + self.is_odd]) + x))

    def test_is_no_key_with_something_after_it(self) -> None:
        self.assertIsNone(load_spki(self.spki + b"\0"))
        self.assertIsNone(load_spki(None))


class RsaSize(unittest.TestCase):
    MODULUS = (1 << 2_048) - 1

    def is_key(self, modulus: int, exponent: bytes) -> bool:
        try:
            rsa_key(modulus.to_bytes((modulus.bit_length() + 7) // 8, "big"), exponent)
        except CountersignError:
            return False
        return True

    def test_exponent_is_odd_and_3_to_2_to_the_31_less_1(self) -> None:
        for exponent in ("03", "010001", "7fffffff"):
            with self.subTest(exponent):
                self.assertTrue(self.is_key(self.MODULUS, bytes.fromhex(exponent)))
        for exponent in ("", "01", "04", "0003", "80000001", "0100000001"):
            with self.subTest(exponent):
                self.assertFalse(self.is_key(self.MODULUS, bytes.fromhex(exponent)))

    def test_modulus_is_odd_and_of_2_048_to_4_096_bits(self) -> None:
        self.assertTrue(self.is_key((1 << 4_096) - 1, b"\3"))
        for modulus in ((1 << 2_047) - 1, (1 << 4_097) - 1, self.MODULUS - 1):
            self.assertFalse(self.is_key(modulus, b"\3"))
