"""What gives Tawk.to away in somebody's own code (as of 2026-11), for the doctor."""

from .. import Signs

SIGNS = Signs(
    loads=r"embed\.tawk\.to/(?=[\w{$<+'\"`])|['\"]@tawk\.to/tawk-messenger",
    calls=r"\bTawk_API\b",
    # Before the script (`visitor`), or by a call with an id or an address in it.
    identifies=r"Tawk_API\s*\.\s*(?:visitor\s*=|(?:login|setAttributes)\s*\(\s*\{[^;]{0,500}?\b(?:userId|email)\b)",
    proven=r"\bhash\b['\"]?\s*[:,}]|(?<!location)\.hash\s*=(?!=)",
    # The JavaScript API key: 40 letters and digits, known by the name that it is given.
    leaks=r"(?i)(?:tawk|js[_-]?api[_-]?key)[\w.\s-]{0,30}['\"]?\s*[:=,]\s*['\"]([A-Za-z0-9]{40}|[0-9a-f]{96})['\"]",
)
