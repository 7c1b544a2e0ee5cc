"""What gives Crisp away in somebody's own code (as of 2026-11), for the doctor."""

from .. import Signs

SIGNS = Signs(
    loads=r"client\.crisp\.chat/l\.js",
    calls=r"\$crisp\b|\bCRISP_WEBSITE_ID\b",
    identifies=r"\[\s*['\"]set['\"]\s*,\s*['\"]user:email['\"]\s*,|\bsetEmail\s*\(",
    # The signature is the second item beside the address: ["set", "user:email", [email, signature]].
    proven=r"['\"]user:email['\"]\s*,\s*(?:\[[^\[\],]+,[^\[\]]+\]|\(\s*\[[^\[\],]+,)|\bsetEmail\s*\([^,()]+,",
    # An API token's key has 64 hexadecimal digits; a verification secret is known by the name that it is given.
    leaks=(
        r"(?i:crisp[\w.\s-]{0,40}key)[\w.\s-]{0,20}['\"]?\s*[:=,]\s*['\"]([0-9a-f]{64})['\"]"
        r"|(?i:(?:crisp|verif\w*|identity)[\w.\s-]{0,20}secret)['\"]?\s*[:=,]\s*['\"]([\w+/=-]{16,})['\"]"
    ),
)
