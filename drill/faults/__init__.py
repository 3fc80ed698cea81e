"""What is done to a stack, and how it is healed; each fault alone, never two at once."""

from drill.faults.catalogue import CATALOGUE, SHORT, SIDE_BY_SIDE, demanded, fitting, named
from drill.faults.fault import Fault, Scene

__all__ = ["CATALOGUE", "SHORT", "SIDE_BY_SIDE", "Fault", "Scene", "demanded", "fitting", "named"]
