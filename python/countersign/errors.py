"""One error with a stable code; the message says what was expected, never a secret or a payload."""


class CountersignError(Exception):
    """`code` is of the ledger, of the verifier, or one of this package; switch on it and on nothing else.

    `answer` has `input`, `entry` and `receipt` where the refusal is an entry of the log: proof of it.
    """

    def __init__(self, code: str, message: str = "", answer: dict | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.detail = message
        self.answer = answer


def require(holds: bool, code: str, message: str = "") -> None:
    if not holds:
        raise CountersignError(code, message)
