"""What is done to a stack, and how it is healed; each fault alone, never two at once."""

from drill.faults.catalogue import CATALOGUE, CHANGED, SHORT, SIDE_BY_SIDE, named
from drill.faults.fault import Fault, Scene
from drill.faults.fitting import demanded, fitting

__all__ = ["CATALOGUE", "CHANGED", "SHORT", "SIDE_BY_SIDE", "Fault", "Scene", "demanded", "fitting", "named"]
