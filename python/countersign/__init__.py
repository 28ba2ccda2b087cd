"""Ask for a binding, wait for it, verify it offline, and run an action only under one."""

from .canonical import canonical, precondition_digest
from .client import Ended, Ledger, Requested, SigningKey, draft_action, request, wait
from .errors import CountersignError
from .guard import Executor, Guard, Run, Verified
from .runs import FileRunStore
from .trust import Trust, parse_trust
from .verifier import Execution, Outcome, Verifier

__all__ = [
    "CountersignError",
    "Ended",
    "Execution",
    "Executor",
    "FileRunStore",
    "Guard",
    "Ledger",
    "Outcome",
    "Requested",
    "Run",
    "SigningKey",
    "Trust",
    "Verified",
    "Verifier",
    "canonical",
    "draft_action",
    "parse_trust",
    "precondition_digest",
    "request",
    "wait",
]
