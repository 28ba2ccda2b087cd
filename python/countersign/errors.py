"""One error with a stable code; the message says what was expected, never a secret or a payload."""


class CountersignError(Exception):
    """`code` is of the ledger, of the verifier, or one of this package; switch on it and on nothing else."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.detail = message


def require(holds: bool, code: str, message: str = "") -> None:
    if not holds:
        raise CountersignError(code, message)
