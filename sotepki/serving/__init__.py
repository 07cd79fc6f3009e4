"""What the HTTP services of the offices share: fault knobs, the history of requests, a guard around handlers."""

from sotepki.serving.desk import CLIENT, MOMENT, STALE, Desk, HttpRefusal, Refusal, json_refusal
from sotepki.serving.fault_board import ALL, FaultBoard
from sotepki.serving.faults import NO_FAULTS, Down, ServiceFaultBoard, ServiceFaults
from sotepki.serving.history import RequestHistory, RequestRecord
from sotepki.serving.tally import FileTally

__all__ = [
    "ALL",
    "CLIENT",
    "MOMENT",
    "NO_FAULTS",
    "STALE",
    "Desk",
    "Down",
    "FaultBoard",
    "FileTally",
    "HttpRefusal",
    "Refusal",
    "RequestHistory",
    "RequestRecord",
    "ServiceFaultBoard",
    "ServiceFaults",
    "json_refusal",
]
