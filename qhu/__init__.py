"""qhu: did a hybrid quantum-classical network really forget?"""

from importlib.metadata import version

__version__ = version("qhu")
