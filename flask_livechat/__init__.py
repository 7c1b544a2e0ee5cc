"""Customer chat for Flask: Tawk.to, Crisp and Intercom behind one template tag."""

from .errors import ConfigError, LiveChatError, Problem, Unsupported
from .extension import LiveChat
from .model import Answer, Company, Decision, Visitor

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "Company",
    "ConfigError",
    "Decision",
    "LiveChat",
    "LiveChatError",
    "Problem",
    "Unsupported",
    "Visitor",
]
