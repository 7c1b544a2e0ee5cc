"""What gives Palaver away in somebody's own code, for the doctor."""

from .. import Signs

SIGNS = Signs(
    loads=r"/palaver/sdk\.js",
    calls=r"\bpalaver\.(?:run|open|identify)\b",
    identifies=r"\bpalaver\.identify\s*\(\s*\{[^}]{1,300}\}",
    proven=r"\bhash\s*:",
    leaks=r"(?i:palaver[\w.\s-]{0,40}(?:secret|token))['\"]?\s*[:=,]\s*['\"]([\w+/=-]{16,})['\"]",
)
