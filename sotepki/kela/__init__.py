"""Kela: the Kanta emulator (archive over mutual TLS, validation service) and the register of joint tests."""

from sotepki.kela import tables as _tables  # noqa: F401 - the workspace creates the tables of every imported room
from sotepki.kela.access_points import AccessPoints
from sotepki.kela.acknowledgement import AckCode, Acknowledgement
from sotepki.kela.approvals import Approval, Approvals
from sotepki.kela.change_notices import ChangeNotice, ChangeNotices
from sotepki.kela.client import Trust
from sotepki.kela.joint_testing import JointTests, JointTestState, Statement, SystemClass
from sotepki.kela.joint_testing_data import ChangeKind, change_kinds
from sotepki.kela.joint_testing_data import Role as JointTestRole
from sotepki.kela.kanta import Kanta
from sotepki.kela.request_log import RequestEntry, RequestKind
from sotepki.kela.revocation import OcspOverHttp, StatusLookup, reached_at
from sotepki.kela.rules import rulebook
from sotepki.kela.server_identity import server_chain
from sotepki.kela.settings import (
    Environment,
    KantaSettings,
    SharkQuirk,
    WhenStatusUnavailable,
    load_environments,
    load_settings,
)
from sotepki.kela.transport import RefusedHandshake, server_context
from sotepki.kela.validation import VALIDATION_PATH, ValidationService

__all__ = [
    "VALIDATION_PATH",
    "AccessPoints",
    "AckCode",
    "Acknowledgement",
    "Approval",
    "Approvals",
    "ChangeKind",
    "ChangeNotice",
    "ChangeNotices",
    "Environment",
    "JointTestRole",
    "JointTestState",
    "JointTests",
    "Kanta",
    "KantaSettings",
    "OcspOverHttp",
    "RefusedHandshake",
    "RequestEntry",
    "RequestKind",
    "SharkQuirk",
    "Statement",
    "StatusLookup",
    "SystemClass",
    "Trust",
    "ValidationService",
    "WhenStatusUnavailable",
    "change_kinds",
    "load_environments",
    "load_settings",
    "reached_at",
    "rulebook",
    "server_chain",
    "server_context",
]
