"""The one place that names concrete parts and puts them together."""

from .assembly import BUILTIN_TOOLS, log_name, log_signer, open_system
from .checks import Functions, check_decisions, check_policies, check_tools
from .instruments import Instruments
from .settings import Settings
from .system import System

__all__ = [
    "BUILTIN_TOOLS",
    "Functions",
    "Instruments",
    "Settings",
    "System",
    "check_decisions",
    "check_policies",
    "check_tools",
    "log_name",
    "log_signer",
    "open_system",
]
