"""Rules that ask for models of keys: schemas/formats/policy.md §15."""

import re

from .canonical import raw_digest, same
from .errors import CountersignError, require
from .form import closed, items, object_of, objects

_ROOTS_MAX, _MODELS_MAX = 16, 64
_MODEL = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def check_attested(rule: dict) -> None:
    if "attested" not in rule:
        return
    try:
        makers = [closed(each, "root models?") for each in objects(rule, "attested")]
        roots = {raw_digest(maker["root"]) for maker in makers}
        are_models = all(_are_models(items(maker, "models")) for maker in makers if "models" in maker)
    except CountersignError as error:
        raise CountersignError("POLICY_MISMATCH", error.detail) from error
    is_form = 1 <= len(makers) <= _ROOTS_MAX and len(roots) == len(makers) and are_models
    require(is_form, "POLICY_MISMATCH", "expected 1 to 16 roots, each once, with their models")
    require("possession" not in items(rule, "proof_classes"), "POLICY_MISMATCH", "expected attested without possession")


def _are_models(models: list) -> bool:
    are_texts = all(isinstance(each, str) and _MODEL.fullmatch(each) for each in models)
    return are_texts and 1 <= len(models) <= _MODELS_MAX and len(set(models)) == len(models)


def joined_attested(rules: list[dict]) -> dict:
    """No list satisfies two that differ."""
    lists = [rule["attested"] for rule in rules if "attested" in rule]
    are_alike = all(same(each, lists[0]) for each in lists)
    require(are_alike, "POLICY_MISMATCH", "expected one list of models")
    return {"attested": lists[0]} if lists else {}


def is_of_model(credential: dict, makers: list[dict]) -> bool:
    """Whether somebody on the list vouches for a model of theirs that this credential is of."""
    shown = object_of(credential.get("attestation", {}))
    return any(
        maker["root"] == shown.get("root") and ("models" not in maker or shown["model"] in maker["models"])
        for maker in makers
    )
