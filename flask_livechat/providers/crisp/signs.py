"""What gives Crisp away in somebody's own code (as of 2026-11), for the doctor."""

from .. import Signs

SIGNS = Signs(
    loads=r"client\.crisp\.chat/l\.js|['\"]crisp-sdk-web['\"]",
    calls=r"\$crisp\b|\bCRISP_WEBSITE_ID\b",
    # The signature is the second item beside the address, ["set", "user:email", [email, signature]]: without a comma
    # there is none.
    identifies=(
        r"['\"]user:email['\"]\s*,\s*(?:\(\s*)?(?:\(\s*\)\s*=>\s*)?\[?\s*(?:\{\{[^}]{0,200}\}\}|[^,\[\]{}]){1,200}\]"
        r"|\bsetEmail\s*\([^,()]{1,200}\)"
    ),
    proven=r"(?!)",
    # An API token's key has 64 hexadecimal digits; a verification secret is known by the name that it is given.
    leaks=(
        r"(?i:crisp[\w.\s-]{0,40}key)[\w.\s-]{0,20}['\"]?\s*[:=,]\s*['\"]([0-9a-f]{64})['\"]"
        r"|(?i:(?:crisp|verif\w{0,12}|identity)[\w.\s-]{0,20}?secret)['\"]?\s*[:=,]\s*['\"]([\w+/=-]{16,})['\"]"
    ),
)
