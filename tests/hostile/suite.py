"""All cases of the hostile suite, whatever their language."""

from .cases import Case
from .javascript import REACH
from .javascript_inside import INSIDE
from .python import PYTHON
from .wasm import WASM

CASES: list[Case] = [*REACH, *INSIDE, *WASM, *PYTHON]
