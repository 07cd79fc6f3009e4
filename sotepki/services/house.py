"""The house: the chosen services of a workspace, running side by side until the block ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sotepki import loopback
from sotepki.errors import Fault, Misuse
from sotepki.kela import Environment, OcspOverHttp, load_environments, load_settings, reached_at
from sotepki.loopback import LOOPBACK, Door
from sotepki.services.failing import failing
from sotepki.services.observing import RequestCounts, Sample, added, observer
from sotepki.services.publication import trust_file
from sotepki.services.service import Application, Service
from sotepki.serving.faults import ServiceFaultBoard
from sotepki.serving.hosts import only_hosts
from sotepki.serving.tally import FileTally
from sotepki.workspace import Workspace

if TYPE_CHECKING:
    from sotepki.services.master import Master

_ENVIRONMENTS = "kanta-environments.yaml"


@dataclass(frozen=True)
class Started:
    """A service that answers at ``url`` (without a slash at its end)."""

    service: Service
    application: Application
    url: str

    @property
    def address(self) -> str:
        """Where its most useful page or resource is; names ``localhost`` where the certificate does."""
        base = self.url.replace(LOOPBACK, "localhost") if self.application.tls else self.url
        return base + self.service.path


@dataclass
class House:
    """Running services and what they share.

    Attributes:
        ports: by service; a service that is not named takes its default port.
        shared: what several services of this house use together, by a name of theirs.
        options: what was asked for on the command line, for single services (a card for the SCS, for example).
        host_names: under which its pages answer besides loopback's names and those of the catalogue.
        master: of the processes that serve what may be spread over several; None if everything is served here.
    """

    workspace: Workspace
    ports: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    host_names: Sequence[str] = ()
    started: dict[str, Started] = field(default_factory=dict)
    shared: dict[str, object] = field(default_factory=dict)
    counts: RequestCounts = field(default_factory=RequestCounts)
    resources: ExitStack = field(default_factory=ExitStack, repr=False)
    master: Master | None = field(default=None, repr=False)

    @cached_property
    def status_lookup(self) -> OcspOverHttp:
        """Asks the responders of this house's publication; of one on the usual port if this house has none."""
        return OcspOverHttp(self.workspace.clock, reached_at(self.url_of("publication")))

    @cached_property
    def faults(self) -> ServiceFaultBoard:
        """The fault knobs of the services, shared by every process of the workspace."""
        return service_fault_board(self.workspace, tally=self.master.tally if self.master is not None else None)

    @cached_property
    def environments(self) -> Mapping[str, Environment]:
        """Kanta's environments: the workspace's own, or those of the package."""
        return environments_of(self.workspace)

    @cached_property
    def trust_file(self) -> Path:
        """The TEST root for clients."""
        return trust_file(self.workspace)

    def url_of(self, name: str) -> str:
        """Where a service of the catalogue answers, in this house or on its port in another one."""
        if name in self.started:
            return self.started[name].url
        from sotepki.services.catalogue import catalogue

        return f"http://{LOOPBACK}:{self.ports.get(name) or catalogue()[name].port}"

    def start(self, service: Service, door: Door | None = None) -> Started:
        """Start a service, with the fault knobs in front of it.

        With a master, a service that may be spread is built here too, so that what is wrong with it is said here and
        now; but it is served by the master's processes. In such a process ``door`` is the one that they share.

        Raises:
            Misuse: its port is taken.
            Fault: it cannot do at its start what it has to.
        """
        application = service.build(self)
        try:
            url = self._served(service, application, door)
        except Misuse as taken:
            raise Misuse(
                f"{service.name} does not start. {taken.sentence}",
                advice=f"Stop the program that holds the port, or choose another with --{service.name}-port or "
                "--free-ports.",
            ) from taken
        except Fault as fault:
            raise Fault(
                f"{service.name} does not start. {fault.sentence}", rule=fault.rule, advice=fault.advice
            ) from fault
        self.started[service.name] = Started(service, application, url)
        return self.started[service.name]

    def _served(self, service: Service, application: Application, door: Door | None) -> str:
        port = self.ports.get(service.name, service.port)
        if self.master is not None and service.spread:
            return loopback.base_url(self.master.listen(service.name, port), tls=application.tls is not None)
        if not application.fails:
            application.app.middlewares.insert(0, failing(service.name, self.faults))
        if not application.any_host:
            # Outermost: a fault that is set "for three answers" is not spent on who is sent away.
            application.app.middlewares.insert(0, only_hosts((*service.hosts, *self.host_names)))
        served = loopback.running(
            application.app, application.tls, port=port, observer=observer(service.name, self.counts), door=door
        )
        return self.resources.enter_context(served)

    def health(self) -> dict[str, str]:
        """What is wrong with each service, in a sentence; empty for a healthy one."""
        spread = self.master.trouble() if self.master is not None else ""
        return {
            name: one.application.health() or (spread if one.service.spread else "")
            for name, one in list(self.started.items())
        }

    def samples(self) -> list[Sample]:
        """What was counted so far, in this process and in those of the master."""
        samples = self.counts.samples()
        for one in list(self.started.values()):
            samples += one.application.samples()
        return added([*samples, *self.master.samples()]) if self.master is not None else samples

    def hosts(self) -> list[str]:
        """The lines for a hosts file: names in certificates and documents that belong to services of this house."""
        names = [host for one in self.started.values() for host in one.service.hosts]
        return [f"{LOOPBACK} {host}" for host in dict.fromkeys(names)]


def environments_of(workspace: Workspace) -> Mapping[str, Environment]:
    """Kanta's environments in a workspace: of its own file (``kanta-environments.yaml``), or those of the package.

    Raises:
        Misuse: the workspace's file is not well formed.
    """
    own = workspace.directory / _ENVIRONMENTS
    if not own.exists():
        return load_environments()
    try:
        environments = load_environments(own)
        _refuse_unknown_authorities(environments)
        return environments
    except Fault as fault:
        raise Misuse(
            f"{own}: {fault.sentence}", advice="Mend it, or move it away; then the package's environments are used."
        ) from fault


def usual_receiver(workspace: Workspace) -> str:
    """OID of the Kanta that a message is addressed to unless an environment is named: that of ``current``.

    A workspace whose own file has no ``current`` gets the one that every Kanta has by default.

    Raises:
        Misuse: the workspace's file of environments is not well formed.
    """
    current = environments_of(workspace).get("current")
    return (load_settings() if current is None else current.settings).receiver.value


def _refuse_unknown_authorities(environments: Mapping[str, Environment]) -> None:
    """Raise ``Fault`` for an authority that nobody plans: it would be trusted from when it is founded, so never."""
    from sotepki.dvv.authority.plan import load_plan

    known = load_plan().authorities
    for name, environment in environments.items():
        settings = environment.settings
        for key in ("server_authorities", "signing_authorities"):
            for authority in getattr(settings, key):
                if authority not in known:
                    raise Fault(f"{name}: {key} names {authority!r}; the authorities are {', '.join(known)}.")


def service_fault_board(workspace: Workspace, *, tally: Path | None = None) -> ServiceFaultBoard:
    """The faults of a workspace's services; processes that count faulty answers together name one ``tally``."""
    path = workspace.directory / "services" / "service-faults.json"
    return ServiceFaultBoard(path, FileTally(tally) if tally else None)


@contextmanager
def running_house(
    workspace: Workspace,
    services: Sequence[Service],
    *,
    ports: Mapping[str, int] | None = None,
    options: Mapping[str, object] | None = None,
    processes: int = 1,
    host_names: Sequence[str] = (),
) -> Iterator[House]:
    """Run services of the catalogue until the block ends; the last one started is the first to be stopped.

    With ``processes`` above 1 those that may be spread are served by so many processes of their own. They are made
    with ``multiprocessing``: a program that asks for them guards its main module as that demands.

    Raises:
        Misuse: a port is taken; then nothing stays running.
        Fault: a process did not start.
    """
    with ExitStack() as resources:
        house = House(workspace, ports or {}, options or {}, host_names, resources=resources)
        if processes > 1 and any(service.spread for service in services):
            from sotepki.services.master import Master

            house.master = Master(house, processes)
            resources.callback(house.master.close)
        for service in services:
            house.start(service)
        if house.master is not None:
            resources.enter_context(house.master.running())
        yield house


def chosen(catalogue: Mapping[str, Service], only: Sequence[str], asked: Sequence[str] = ()) -> list[Service]:
    """The services to start, in the order of the catalogue: those of ``only``, or all but those only on request.

    Raises:
        Misuse: a name is not in the catalogue.
    """
    for name in (*only, *asked):
        if name not in catalogue:
            raise Misuse(f"There is no service {name!r}.", advice=f"There are {', '.join(catalogue)}.")
    if only:
        return [service for name, service in catalogue.items() if name in (*only, *asked)]
    return [service for name, service in catalogue.items() if not service.asked or name in asked]
