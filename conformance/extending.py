"""Private cases of a vendor: modules, requirements and mutants in a folder of its own (``--cases DIR``).

``DIR/*.py`` holds cases, ``DIR/*.yaml`` their requirements, ``DIR/mutants.py`` the broken systems that prove them
(``MUTANTS``). Files that begin with ``test_`` are the vendor's own tests and are left alone. A file that cannot be
read is named in the report; the other files are used.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from conformance.catalogue import cases_of, catalogue
from conformance.declaring import Case
from conformance.requirements import RequirementRegister, load_requirements, requirements
from sotepki.errors import Misuse, SotepkiError

if TYPE_CHECKING:
    from conformance.sut.mutants import Mutant

MUTANTS_MODULE = "mutants"


@dataclass(frozen=True)
class Extension:
    """What a folder adds to the suite.

    Attributes:
        directory: the folder.
        cases: the private cases.
        requirements: the private requirements only.
        mutants: broken systems for the private cases.
        faults: sentences about files that could not be used.
    """

    directory: Path
    cases: tuple[Case, ...]
    requirements: RequirementRegister
    mutants: tuple[Mutant, ...] = ()
    faults: tuple[str, ...] = ()

    @classmethod
    def load(cls, directory: Path) -> Extension:
        """Read a folder.

        Raises:
            Misuse: there is no such folder, or it has neither cases nor a fault to speak of.
        """
        if not directory.is_dir():
            raise Misuse(f"There is no folder {directory} of private cases.", subject=str(directory))
        place, faults = directory.resolve(), list[str]()
        register = _requirements(place, faults)
        known = {case.id for case in catalogue()}
        found: list[Case] = []
        mutants: tuple[Mutant, ...] = ()
        for module in _modules(place, faults):
            if module.__name__ == MUTANTS_MODULE:
                mutants = tuple(getattr(module, "MUTANTS", ()))
                continue
            for case in cases_of(module):
                fault = _fault_of(case, known, register, f"{module.__name__}.py")
                if fault:
                    faults.append(fault)
                else:
                    known.add(case.id)
                    found.append(case)
        if not found and not faults:
            raise Misuse(f"The folder {directory} holds no case.", advice="See 'sotepki conformance new --help'.")
        return cls(place, tuple(found), register, mutants, tuple(faults))


def declared(extension: Extension | None) -> tuple[Case, ...]:
    """Every case: those of the suite, then the private ones."""
    return catalogue() + (extension.cases if extension else ())


def register(extension: Extension | None) -> RequirementRegister:
    """Every requirement: those of the suite, then the private ones."""
    if extension is None:
        return requirements()
    return RequirementRegister(iter([*requirements().values(), *extension.requirements.values()]))


def _requirements(place: Path, faults: list[str]) -> RequirementRegister:
    try:
        private = load_requirements(place)
    except SotepkiError as error:
        faults.append(f"The private requirements cannot be used: {error.sentence}")
        return RequirementRegister(iter(()))
    twice = sorted(set(private) & set(requirements()))
    faults += [f"The private requirement {name} bears the id of one of the suite." for name in twice]
    return RequirementRegister(r for r in private.values() if r.id not in twice)


def _fault_of(case: Case, known: set[str], private: RequirementRegister, file: str) -> str:
    if case.id in known:
        return f"The case {case.id} in {file} bears the id of another case."
    for name in case.requirements:
        if name not in private and name not in requirements():
            return f"The case {case.id} in {file} names the requirement {name}, which does not exist."
    return ""


def _modules(place: Path, faults: list[str]) -> list[ModuleType]:
    files = [path for path in sorted(place.glob("*.py")) if not path.name.startswith(("test_", "_"))]
    with _imported_first(place):
        loaded = [_module(path, faults) for path in files]
    return [module for module in loaded if module is not None]


@contextmanager
def _imported_first(place: Path) -> Iterator[None]:
    """Import from a folder before all others; afterwards it stands last, where pytest finds it and leaves it.

    Processes of ours inherit the import path: in front, a ``json.py`` of the vendor would become their json.
    """
    folder = str(place)
    sys.path[:] = [folder, *(entry for entry in sys.path if entry != folder)]
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.path.append(folder)


def _module(path: Path, faults: list[str]) -> ModuleType | None:
    here = sys.modules.get(path.stem)
    strange = here is not None and getattr(here, "__file__", None) != str(path) and not _is_private(here)
    if strange or path.stem in sys.stdlib_module_names:
        faults.append(f"The file {path.name} bears the name of a Python module; call it otherwise.")
        return None
    if here is not None and getattr(here, "__file__", None) != str(path):
        del sys.modules[path.stem]
    try:
        importlib.invalidate_caches()
        return importlib.import_module(path.stem)
    except SyntaxError as error:
        faults.append(f"The file {path.name} cannot be read: {error.msg}, line {error.lineno}.")
    except SotepkiError as error:
        faults.append(f"The file {path.name} cannot be used: {error.sentence}")
    except Exception as error:  # noqa: BLE001 - the vendor's module may do anything when it is imported
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f", line {lines[-1]}" if lines else ""
        faults.append(f"The file {path.name} cannot be used: {type(error).__name__}: {error}{where}.")
    return None


def _is_private(module: ModuleType) -> bool:
    """Whether a module of this name was loaded from another folder of private cases, as in tests."""
    return bool(cases_of(module)) or hasattr(module, "MUTANTS")


def paths_of(cases: Sequence[Case]) -> list[str]:
    """The files in which cases are written, each once."""
    return sorted({str(sys.modules[case.module].__file__) for case in cases})
