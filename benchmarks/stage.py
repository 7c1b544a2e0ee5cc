"""What ``benchmarks/browser.py`` loads: the page, the vendors' stand-ins with their real weight, the server of both.

The stand-ins are the sandbox's, under the vendors' real host names. What makes them heavy is generated, the same each
time: functions that compress as minified code does, that are all called, and together take as long as a vendor's start.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from flask import Flask, Response, render_template, request
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_livechat import LiveChat, providers, sandbox

SITE = "https://www.site.test"
HERE = Path(__file__).parent
NPM = HERE / "js"
VENDORS = ("tawk", "crisp", "intercom")
PEERS = ("react", "react-live-chat-loader", "react-use-intercom")
SHAPES = ("bundle", "chunks")
WIRE = {"tawk": 200_000, "crisp": 180_000, "intercom": 250_000}  # bytes, compressed
API = {"tawk": "https://embed.tawk.to", "crisp": "https://client.crisp.chat", "intercom": "https://api-iam.intercom.io"}
CDN = API | {"intercom": "https://js.intercomcdn.com"}  # where the chunks come from
PATHS = {"tawk": "/<property_id>/<widget_id>", "crisp": "/l.js", "intercom": "/widget/<app_id>"}
CHUNKS, ENTRY = 4, 5_000  # and what the entry weighs
KEYS = {name: providers.load(name).keys for name in VENDORS}
IDS = {f"{name.upper()}_{key.name}": key.example for name, keys in KEYS.items() for key in keys if key.required}
# As the vendor's own script says it of itself once it has booted; react-live-chat-loader waits for that.
BOOTED = 'Intercom("ready", () => { Intercom.booted = true; });'


@cache
def work(seed: str, wire: int) -> str:
    """JavaScript of about ``wire`` bytes when compressed, all of which runs: about 0.4 ms for each KB, unthrottled."""
    whole = "".join(_function(seed, number) for number in range(max(1, wire * 500 // len(squeezed(_sample(seed))))))
    return f"(() => {{\nconst kept = {{}};\n{whole}}})();\n"


def _sample(seed: str) -> str:
    return "".join(_function(seed, number) for number in range(500))


def _function(seed: str, number: int) -> str:
    key = hashlib.sha256(f"{seed}{number}".encode()).hexdigest()
    body = f"let x=a+0x{key[:8]};for(let i=0;i<60;i++)x=Math.imul(x^0x{key[8:16]},i+0x{key[16:24]})|0;"
    return f'function f{number}(a){{{body}return kept["{key[24:40]}"]=x}}f{number}({number});\n'


def squeezed(text: str) -> bytes:
    return gzip.compress(text.encode(), 6, mtime=0)


@cache
def vendor_files(name: str, shape: str) -> dict[str, bytes]:
    """What a vendor serves, compressed: path -> body. The path ``""`` is the address that everybody asks for first."""
    stand_in = sandbox.script(name, f"{API[name]}/sandbox/api/{name}") + (BOOTED if name == "intercom" else "")
    rest = WIRE[name] - len(squeezed(stand_in))
    if shape == "bundle":
        return {"": squeezed(work(name, rest) + stand_in)}
    parts = [work(f"{name}{part}", (rest - ENTRY) // CHUNKS) for part in range(CHUNKS)]
    parts[-1] += stand_in
    files = {f"/static/chunk{number}.js": squeezed(part) for number, part in enumerate(parts)}
    settings = {"chunks": [CDN[name] + path for path in files], "late": name == "tawk"}
    entry = (HERE / "page" / "entry.js").read_text("utf-8").replace("SETTINGS", json.dumps(settings))
    return files | {"": squeezed(work(name, ENTRY) + entry)}


@cache
def picture(width: int = 960, height: int = 400) -> bytes:
    """A PNG of about 96 KB: four greys, in an order that does not compress."""
    line = width // 4
    grey = hashlib.shake_256(b"hero").digest(line * height)
    rows = b"".join(b"\0" + grey[number * line : (number + 1) * line] for number in range(height))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 2, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


@cache
def sections() -> list[tuple[str, str]]:
    """Some 28 KB of text."""
    words = """a of the and in for with plants soil light water leaf root spring summer garden bed pot seed tray shade
    frost prune feed weekly often never before after slowly gently drained sandy rich early late tall small""".split()
    text = [words[number % len(words)] for number in hashlib.shake_256(b"text").digest(5000)]
    parts = [" ".join(text[start : start + 200]) for start in range(0, len(text), 200)]
    return [(" ".join(part.split()[:4]).capitalize(), part) for part in parts]


def bundle(folder: Path) -> dict[str, str]:
    """The peers' page scripts; nothing where npm's packages are not installed."""
    esbuild = NPM / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        return {}
    options = [
        "--bundle",
        "--minify",
        "--jsx=automatic",
        '--define:process.env.NODE_ENV="production"',
        "--log-level=error",
    ]
    subprocess.run([esbuild, *(NPM / f"{peer}.jsx" for peer in PEERS), *options, f"--outdir={folder}"], check=True)
    return {peer: (folder / f"{peer}.js").read_text("utf-8") for peer in PEERS}


@dataclass
class Stage:
    """The server, for every host. ``shape`` is how the vendors' stand-ins come just now."""

    shape: str = "chunks"
    port: int = 0
    key: str = ""  # the digest of its public key, by which the browser trusts it
    met: list[tuple[float, str]] = field(default_factory=list)  # connections: when, and to which host
    peers: dict[str, str] = field(default_factory=dict)
    site: Flask = field(init=False)
    vendors: Flask = field(init=False)

    def __post_init__(self) -> None:
        self.site, self.vendors = site(self), vendors(self)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        app = self.site if environ["HTTP_HOST"].partition(":")[0].endswith("site.test") else self.vendors
        return app(environ, start_response)

    def connected(self, _socket: ssl.SSLObject, host: str | None, _context: ssl.SSLContext) -> None:
        self.met.append((time.time(), host or ""))


def site(stage: Stage) -> Flask:
    """The pages, and what they are made of."""
    app = Flask("benchmarks", static_folder=None, template_folder=str(HERE / "page"))
    app.secret_key = "the secret key of a benchmark, long enough"  # noqa: S105 - it keeps nothing
    app.config.update({f"LIVECHAT_{name}": value for name, value in IDS.items()}, LIVECHAT_PROVIDER="crisp")
    LiveChat(app)
    style = (HERE / "page" / "site.css").read_text("utf-8")
    rules = (
        f".c{number}{{margin:{number}px;color:#{hashlib.sha256(bytes(number)).hexdigest()[:6]}}}"
        for number in range(500)
    )
    texts = {"site.css": ("text/css", style + "\n".join(rules)), "site.js": ("text/javascript", work("site", 40_000))}

    def page(kind: str, vendor: str = "") -> str:
        values = {key.name: key.default or key.example for key in KEYS[vendor]} if vendor else {}
        script = providers.load(vendor).script(values) if vendor else ""
        words = {"kind": kind, "vendor": vendor, "script": script, "ids": IDS, "peers": PEERS, "sections": sections()}
        return render_template("page.html", **words)

    def asset(name: str) -> Response:
        mimetype, body = texts.get(name) or ("text/javascript", stage.peers[name.removesuffix(".js")])
        return Response(body, mimetype=mimetype, headers={"Cache-Control": "max-age=3600"})

    app.add_url_rule("/page/<kind>", "page", page)
    app.add_url_rule("/page/<kind>/<vendor>", "page", page)
    app.add_url_rule("/hero.png", "picture", lambda: Response(picture(), mimetype="image/png"))
    app.add_url_rule("/<name>", "asset", asset)
    app.add_url_rule("/contact", "contact", lambda: "<h1>Contact us</h1>")
    app.after_request(compress)
    return app


def compress(response: Response) -> Response:
    """As any real site does."""
    if (response.mimetype or "").startswith("text/") and "Content-Encoding" not in response.headers:
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def vendors(stage: Stage) -> Flask:
    """All three, as their hosts answer."""
    app = Flask("vendors", static_folder=None)
    values = {
        name: {key.name: key.default or key.example for key in keys if not key.secret} for name, keys in KEYS.items()
    }
    app.register_blueprint(sandbox.create_blueprint(values, allow_origins=("*",)), url_prefix="/sandbox")

    def serve(name: str, **_ids: str) -> Response:
        return script(vendor_files(name, stage.shape)[""])

    def chunk(path: str) -> Response:
        name = next(name for name, base in CDN.items() if base.endswith(request.host.partition(":")[0]))
        return script(vendor_files(name, stage.shape)["/static/" + path])

    for name, path in PATHS.items():
        app.add_url_rule(path, name, serve, defaults={"name": name})
    app.add_url_rule("/static/<path>", "chunk", chunk)
    return app


def script(body: bytes) -> Response:
    headers = {"Access-Control-Allow-Origin": "*", "Content-Encoding": "gzip", "Cache-Control": "max-age=3600"}
    return Response(body, mimetype="text/javascript", headers=headers)


class Handler(WSGIRequestHandler):
    """Keeps connections, as real servers do, and says nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def serving() -> Iterator[Stage]:
    stage = Stage()
    with tempfile.TemporaryDirectory() as folder:
        stage.peers = bundle(Path(folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = trustme.CA().issue_cert("www.site.test")
    certificate.configure_cert(context)
    context.sni_callback = stage.connected
    public = load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes()).public_key()
    digest = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    server = make_server("127.0.0.1", 0, stage, threaded=True, request_handler=Handler, ssl_context=context)
    stage.port, stage.key = server.port, b64encode(digest).decode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield stage
    server.shutdown()
