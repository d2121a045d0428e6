"""The claims, a file each, in the order of the page."""

from qhu.claims.catalogue.accuracy import CLAIM as ACCURACY
from qhu.claims.catalogue.agreement import CLAIM as AGREEMENT
from qhu.claims.catalogue.amplitude import CLAIM as AMPLITUDE
from qhu.claims.catalogue.balance import CLAIM as BALANCE
from qhu.claims.catalogue.constraints import CLAIM as CONSTRAINTS
from qhu.claims.catalogue.cost import CLAIM as COST
from qhu.claims.catalogue.dependence import CLAIM as DEPENDENCE
from qhu.claims.catalogue.protection import CLAIM as PROTECTION
from qhu.claims.catalogue.quantum_layer import CLAIM as QUANTUM_LAYER
from qhu.claims.catalogue.shallow import CLAIM as SHALLOW
from qhu.claims.catalogue.structured import CLAIM as STRUCTURED
from qhu.claims.catalogue.works import CLAIM as WORKS

CLAIMS = (
    WORKS,
    DEPENDENCE,
    SHALLOW,
    STRUCTURED,
    CONSTRAINTS,
    BALANCE,
    ACCURACY,
    AGREEMENT,
    PROTECTION,
    AMPLITUDE,
    QUANTUM_LAYER,
    COST,
)
