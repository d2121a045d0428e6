"""Stored models evaluated again with parts of the recorded noise.

``qhu.compare(runs)`` calls :func:`qhu.api.compare`.
"""

import sys

from qhu import CalledPackage

sys.modules[__name__].__class__ = CalledPackage
