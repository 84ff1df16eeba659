"""All cases of the hostile suite, whatever their language."""

from .cases import Case
from .javascript import REACH
from .javascript_inside import INSIDE

CASES: list[Case] = [*REACH, *INSIDE]
