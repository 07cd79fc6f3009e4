"""The services of a workspace on loopback: which there are, how each is started, and what is seen of them."""

from sotepki.services.archive import KANTA_HOST, kanta_of, kanta_server_chain
from sotepki.services.catalogue import ATTRIBUTE_HOST, catalogue
from sotepki.services.house import (
    House,
    Started,
    chosen,
    environments_of,
    running_house,
    service_fault_board,
    usual_receiver,
)
from sotepki.services.publication import RunningServices, fault_board, running_services, trust_file
from sotepki.services.service import Service

__all__ = [
    "ATTRIBUTE_HOST",
    "KANTA_HOST",
    "House",
    "RunningServices",
    "Service",
    "Started",
    "catalogue",
    "chosen",
    "environments_of",
    "fault_board",
    "kanta_of",
    "kanta_server_chain",
    "running_house",
    "running_services",
    "service_fault_board",
    "trust_file",
    "usual_receiver",
]
