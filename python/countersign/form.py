"""Members of parsed JSON; what is not there or of another kind is EVIDENCE_FORMAT."""

from .errors import require


def closed(value, names: str) -> dict:
    """Exactly these members; those that end in a question mark may be absent."""
    made = object_of(value)
    wanted = names.split()
    needed = {name for name in wanted if not name.endswith("?")}
    known = needed | {name[:-1] for name in wanted if name.endswith("?")}
    require(needed <= set(made) <= known, "EVIDENCE_FORMAT", f"expected the members {names}")
    return made


def object_of(value) -> dict:
    require(isinstance(value, dict), "EVIDENCE_FORMAT", "expected an object")
    return value


def text(value: dict, name: str) -> str:
    require(isinstance(value.get(name), str), "EVIDENCE_FORMAT", f"expected a text: {name}")
    return value[name]


def integer(value: dict, name: str) -> int:
    require(type(value.get(name)) is int, "EVIDENCE_FORMAT", f"expected an integer: {name}")
    return value[name]


def items(value: dict, name: str) -> list:
    require(isinstance(value.get(name), list), "EVIDENCE_FORMAT", f"expected a list: {name}")
    return value[name]


def objects(value: dict, name: str) -> list[dict]:
    return [object_of(each) for each in items(value, name)]
