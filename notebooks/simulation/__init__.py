"""The whole country as a set of queues: which part saturates first, and what would carry it."""

from simulation.inputs import Input, Inputs, load_inputs
from simulation.model import Part, erlang_c, parts, sensitivity

__all__ = ["Input", "Inputs", "Part", "erlang_c", "load_inputs", "parts", "sensitivity"]
