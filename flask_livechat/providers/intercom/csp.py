"""Intercom's Content-Security-Policy needs (help article 3894, newest revision read 2026-11).

The article lists every region's hosts. That a page needs only its own region's is our inference, so the others are
dropped only when ``LIVECHAT_INTERCOM_REGION`` says which one it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..base import Values

FRAMES = (
    "https://intercom-sheets.com https://www.intercom-reporting.com https://www.youtube.com"
    " https://player.vimeo.com https://fast.wistia.net"
)
EVERYWHERE = {
    "script-src": "https://app.intercom.io https://widget.intercom.io https://js.intercomcdn.com",
    "style-src": "'unsafe-inline'",
    "font-src": "https://js.intercomcdn.com https://fonts.intercomcdn.com",
    "img-src": (
        "blob: data: https://js.intercomcdn.com https://uploads.intercomusercontent.com"
        " https://gifs.intercomcdn.com https://video-messages.intercomcdn.com"
    ),
    "media-src": "https://js.intercomcdn.com",
    "connect-src": (
        "https://via.intercom.io https://api-ping.intercom.io https://*.intercom-messenger.com"
        " wss://*.intercom-messenger.com https://uploads.intercomusercontent.com"
    ),
    "child-src": FRAMES,
    "frame-src": FRAMES,
    "form-action": "https://intercom.help",
}
REGIONS = {
    "us": {
        "img-src": (
            "https://static.intercomassets.com https://downloads.intercomcdn.com https://messenger-apps.intercom.io "
            + " ".join(f"https://*.intercom-attachments-{n}.com" for n in range(1, 10))
        ),
        "media-src": "https://downloads.intercomcdn.com",
        "connect-src": (
            "https://api.intercom.io https://api-iam.intercom.io"
            " https://nexus-websocket-a.intercom.io wss://nexus-websocket-a.intercom.io"
            " https://nexus-websocket-b.intercom.io wss://nexus-websocket-b.intercom.io"
            " https://uploads.intercomcdn.com"
        ),
        "form-action": "https://api-iam.intercom.io",
    },
    "eu": {
        "img-src": (
            "https://static.intercomassets.eu https://downloads.intercomcdn.eu https://messenger-apps.eu.intercom.io"
            " https://*.intercom-attachments.eu"
        ),
        "media-src": "https://downloads.intercomcdn.eu",
        "connect-src": (
            "https://api.eu.intercom.io https://api-iam.eu.intercom.io"
            " https://nexus-europe-websocket.intercom.io wss://nexus-europe-websocket.intercom.io"
            " https://uploads.intercomcdn.eu https://uploads.eu.intercomcdn.com"
        ),
        "form-action": "https://api-iam.eu.intercom.io",
    },
    "au": {
        "img-src": (
            "https://static.au.intercomassets.com https://downloads.au.intercomcdn.com"
            " https://messenger-apps.au.intercom.io https://*.au.intercom-attachments.com"
        ),
        "media-src": "https://downloads.au.intercomcdn.com",
        "connect-src": (
            "https://api.au.intercom.io https://api-iam.au.intercom.io"
            " https://nexus-australia-websocket.intercom.io wss://nexus-australia-websocket.intercom.io"
            " https://uploads.au.intercomcdn.com"
        ),
        "form-action": "https://api-iam.au.intercom.io",
    },
}


def csp(values: Values) -> Mapping[str, tuple[str, ...]]:
    region = values.get("REGION")
    lists = [EVERYWHERE, *(REGIONS[region],)] if region else [EVERYWHERE, *REGIONS.values()]
    return {name: tuple(" ".join(part[name] for part in lists if name in part).split()) for name in EVERYWHERE}
