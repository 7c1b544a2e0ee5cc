import { Line, Panel, baseDomain, call, dropCookie, expose, page, readCookie, writeCookie, writeStorage } from "../../sandbox/panel.js";

/**
 * Crisp's stand-in: the loader that reads the globals, the `$crisp` queue and object, cookies, the continuity token.
 *
 * It behaves as the vendor's own scripts of 2022-01 do, the newest client that could be run (2026-11); its loader of
 * 2022-05 speaks in the same way. What is documented and newer is taken from the documents, read 2026-11.
 */

const HALF_A_YEAR = 15768000; // seconds
const TWO_DAYS = 172800; // seconds
const START_MS = 100; // between the loader's looks at whether the client is there
const PUT_BACK_MS = 1000; // until an element that went with its body is put into the new one
const NARROWEST = 280; // pixels
const CRAWLERS = ["Googlebot", "Bingbot", "Slurp", "DuckDuckBot", "Baiduspider", "YandexBot", "GTmetrix", "Lighthouse"];
const COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "grey", "black"];
const EVENTS = ["session:loaded", "chat:initiated", "chat:opened", "chat:closed", "message:sent", "message:received",
  "message:compose:sent", "message:compose:received", "user:email:changed", "user:phone:changed", "user:nickname:changed",
  "user:avatar:changed", "website:availability:changed", "helpdesk:queried"];
const SHOWN = ["availability:tooltip", "sound:mute", "show:operator:count", "color:theme", "color:mode", "lock:maximized",
  "lock:fullview"]; // taken, without a visible effect here

/** @typedef {{type: string, content: unknown, from: string, fingerprint: number, timestamp: number}} CrispMessage */
/**
 * `socket`: whether it is opened at the start, as the workspace's settings say; else at the first interaction.
 * @typedef {{socket?: boolean}} Variant
 */
/**
 * What the loader reads, at each start anew.
 * @typedef {{website: string, token: string | null, expire: number, domain: string, merge: boolean,
 *   trigger: unknown}} Globals
 */

/** The small script of the vendor's: it reads the globals and starts the client with them, and again after each reset. */
class Loader {
  /** @param {Crisp} client */
  constructor(client) {
    this.client = client;
  }

  /** Without a website there is no start, and after a reset no other one. */
  start() {
    const globals = readGlobals();
    if (globals) setTimeout(() => this.client.start(globals, () => this.start()), START_MS);
  }
}

/** @returns {Globals | null} */
function readGlobals() {
  const { CRISP_WEBSITE_ID: website, CRISP_TOKEN_ID: token, CRISP_COOKIE_EXPIRE: expire, CRISP_COOKIE_DOMAIN: domain } = page;
  if (typeof website !== "string" || !website) return null;
  return {
    website,
    token: (typeof token === "string" || typeof token === "number") && token ? String(token) : null,
    expire: typeof expire === "number" && expire > 0 ? expire : HALF_A_YEAR,
    domain: typeof domain === "string" && domain ? domain : baseDomain(),
    merge: (page.CRISP_RUNTIME_CONFIG || {}).session_merge === true,
    trigger: page.CRISP_READY_TRIGGER,
  };
}

class Crisp {
  safe = false;
  opened = false;
  hidden = false;
  initiated = false;
  hideAway = false;
  /** @type {Record<string, unknown>} */
  user = {};
  /** @type {string[]} */
  tags = [];
  /** @type {{name: string, data: unknown}[]} */
  events = [];

  /** @param {string} api @param {Variant} variant */
  constructor(api, variant) {
    this.variant = variant;
    this.line = new Line(api, {
      message: (message) => this.heard(message),
      status: (status) => this.statusChanged(status),
      changed: () => this.draw(),
      reading: () => this.opened && !this.hidden,
      lost: () => void this.connect(),
    });
    this.panel = new Panel({
      vendor: "crisp", marks: { class: "crisp-client" }, frame: "", title: "Crisp", brand: "#1558c0",
      head: "linear-gradient(135deg, #1558c0, #2f6fd6)", round: "50%", rating: "stars", zIndex: 1000000, x: 24, y: 20,
      launched: () => (this.opened ? this.close() : this.open()),
      closed: () => this.close(),
      said: (text) => this.say(text),
      rated: (value) => this.line.tell("rating", { value }),
    });
    /** @type {unknown[] | null} What was pushed and waits for the session; null once that is there. */
    this.pending = Array.isArray(page.$crisp) ? page.$crisp : [];
    /** @type {Globals | null} What it was started with, while it runs. */
    this.globals = null;
    this.restart = () => undefined;
    this.starts = 0;
    /** @type {MutationObserver | null} */
    this.observer = null;
    /** @type {Record<string, unknown>} Handlers outlive a reset. */
    this.callbacks = {};
    this.opens = 0;
    /** @type {(() => void) | null} Sends what waits for a socket that is opened at the first interaction. */
    this.interacted = null;
    page.$crisp = this.object();
    expose("crisp", this.line, this.panel, () => ({ events: this.events.map((event) => ({ ...event })), opened: this.opens,
      starts: this.starts }));
  }

  /** How a start finds everything: visible, closed, without configuration, throwing on wrong use. */
  clear() {
    this.safe = false;
    this.opened = false;
    this.hidden = false;
    this.initiated = false;
    this.hideAway = false;
    this.user = {};
    this.tags = [];
    this.events = [];
    this.panel.prefill("");
    this.panel.hideOnMobile(false);
    this.panel.place("br", 24, 20);
    this.panel.zIndex(1000000);
  }

  get running() {
    return this.globals !== null;
  }

  // -- the session ---------------------------------------------------------------------------------------------

  /** @param {string} [token] The cookie of a token has the raw token in its name. */
  cookieName(token) {
    const parts = ["crisp-client/session", this.globals?.website, ...(token ? [token] : [])];
    return encodeURIComponent(parts.join("/"));
  }

  get socketCookie() {
    return encodeURIComponent(`crisp-client/socket/${this.globals?.website}`);
  }

  /** @param {Globals} globals @param {() => undefined | void} restart what begins anew after a reset */
  start(globals, restart) {
    if (this.running) return; // the second of two tags
    this.globals = globals;
    this.restart = /** @type {() => undefined} */ (restart);
    this.starts += 1;
    if (this.variant.socket !== false) void this.connect();
    else void this.showWithoutSession();
  }

  /** The workspace's settings say that the socket is opened when the visitor does something: no session, no cookie until then. */
  async showWithoutSession() {
    const first = new Promise((/** @type {(value?: undefined) => void} */ resolve) => { this.interacted = resolve; });
    const connected = first.then(() => this.connect());
    this.line.last = connected.then(() => undefined);
    await Promise.resolve();
    this.mount();
    this.playQueue();
  }

  /** The settings, then the socket, then the session. Without a socket there is none, and nothing says so. */
  async connect() {
    const { globals, starts } = this;
    if (!globals) return;
    const plain = readCookie(this.cookieName()) || null;
    try {
      const view = await this.line.ask({ account: globals.website, token: globals.token, merge: globals.merge,
        session: !globals.token || globals.merge ? plain : null });
      if (globals !== this.globals || starts !== this.starts) return;
      this.mount();
      this.line.begin(view);
      if (!await this.line.connect() || globals !== this.globals) return;
      this.remember(view);
      this.playQueue();
    } catch (error) {
      console.error("[Crisp sandbox] no session:", error);
    }
  }

  /** @param {import("../../sandbox/panel.js").View} view */
  remember(view) {
    if (!this.globals) return;
    const { website, token, domain, expire } = this.globals;
    writeCookie(this.socketCookie, "1", { seconds: TWO_DAYS });
    writeCookie(this.cookieName(), view.session, { domain, seconds: expire });
    if (token) writeCookie(this.cookieName(token), view.session, { domain, seconds: expire });
    writeStorage("sessionStorage", `crisp-client/browsing/${website}/last`, String(Date.now()));
    this.tags = view.tags;
    this.user = { "user:email": view.identity.email, "user:nickname": view.identity.name };
  }

  /** The trigger first, then what waits, then `session:loaded`, at each start. A reset in the queue does not stop the last. */
  playQueue() {
    const { globals } = this;
    if (!globals) return;
    call(globals.trigger);
    globals.trigger = null;
    const queue = this.pending || [];
    this.pending = null;
    // One bad call must not lose those behind it; it is still reported as the error it is.
    for (const item of queue) call(() => this.push(item));
    this.fire("session:loaded", this.line.session || null);
    this.draw();
  }

  /** All of this is done at once. The loader reads the globals again, and starts again where they name a website. */
  reset() {
    if (this.globals) {
      const { token, domain } = this.globals;
      dropCookie(this.socketCookie);
      dropCookie(this.cookieName(), domain);
      if (token) dropCookie(this.cookieName(token), domain);
    }
    this.line.end();
    this.observer?.disconnect();
    this.panel.remove();
    this.globals = null;
    this.pending = this.pending || [];
    this.clear();
    this.restart();
  }

  // -- its element ---------------------------------------------------------------------------------------------

  mount() {
    const { website } = /** @type {Globals} */ (this.globals);
    writeStorage("localStorage", `crisp-client/trigger/${website}/last`, String(Date.now()));
    writeStorage("localStorage", `crisp-client/minimized/${website}/general_entice`, "conceal");
    this.panel.mount();
    this.draw();
    this.observer?.disconnect();
    this.observer = new MutationObserver(() => {
      if (!this.panel.root.isConnected) setTimeout(() => this.running && this.mount(), PUT_BACK_MS);
    });
    this.observer.observe(document.documentElement, { childList: true });
    this.observer.observe(document.body, { childList: true });
  }

  // -- $crisp --------------------------------------------------------------------------------------------------

  object() {
    return {
      push: (/** @type {unknown} */ item) => this.push(item),
      get: (/** @type {string} */ name, /** @type {string} */ key) => this.get(name, key),
      is: (/** @type {string} */ name) => this.is(name),
      set: (/** @type {string} */ name, /** @type {unknown} */ args) => this.attempt(["set", name, args]),
      do: (/** @type {string} */ name, /** @type {unknown} */ args) => this.attempt(["do", name, args]),
      on: (/** @type {string} */ name, /** @type {unknown} */ fn) => this.attempt(["on", name, fn]),
      off: (/** @type {string} */ name) => this.attempt(["off", name]),
      config: (/** @type {string} */ name, /** @type {unknown} */ args) => this.attempt(["config", name, args]),
      __client: this, // for the loader, should the script be fetched again
      help: () => console.info("[Crisp sandbox] push([verb, method, args]), get(method, key), is(method)"),
    };
  }

  /** @param {unknown} item */
  push(item) {
    if (this.pending) this.pending.push(item);
    else this.attempt(item);
  }

  /** @param {unknown} item */
  attempt(item) {
    try {
      this.run(item);
    } catch (error) {
      if (!this.safe) throw error;
      console.warn(String(error));
    }
  }

  /** @param {unknown} item */
  run(item) {
    if (!Array.isArray(item)) throw invalid("push takes [verb, method, args]");
    const [verb, method, args] = item;
    if (verb === "safe") this.safe = method === true;
    else if (verb === "on") this.on(method, args);
    else if (verb === "off") delete this.callbacks[method];
    else if (verb === "set" || verb === "do" || verb === "config") this.verb(verb, method, args);
    else throw invalid(`unknown verb ${String(verb)}`);
  }

  /** @param {string} verb @param {string} method @param {unknown} args */
  verb(verb, method, args) {
    if (args !== undefined && !Array.isArray(args)) throw invalid(`${verb} ${method}: arguments must be an array`);
    const handler = { set: this.setters(), do: this.actions(), config: this.configs() }[verb]?.[method];
    if (!handler) throw invalid(`${verb} ${method} does not exist`);
    handler(.../** @type {any[]} */ (args || []));
  }

  /** @param {string} event @param {unknown} callback One callback per event: the newer replaces the older. */
  on(event, callback) {
    if (!EVENTS.includes(event) && !String(event).startsWith("hugo:tool:")) throw invalid(`event ${event} does not exist`);
    if (typeof callback !== "function") throw invalid(`on ${event}: callback must be a function`);
    this.callbacks[event] = callback;
  }

  /** @param {string} event @param {unknown[]} args */
  fire(event, ...args) {
    call(this.callbacks[event], ...args);
  }

  /** @returns {Record<string, (...args: any[]) => void>} */
  setters() {
    return {
      "user:email": (email, signature) => {
        if (typeof email !== "string" || !/^[^\s@]+@[^\s@]+$/.test(email)) throw invalid("user:email: invalid email");
        this.identify("user:email", email, { email, signature: typeof signature === "string" ? signature : null });
      },
      "user:nickname": (name) => this.identify("user:nickname", text("user:nickname", name), { name }),
      "user:phone": (phone) => this.describe("user:phone", text("user:phone", phone)),
      "user:avatar": (url) => this.describe("user:avatar", text("user:avatar", url)),
      "user:company": (name, details) => {
        this.describe("user:company", text("user:company", name));
        if (details && typeof details === "object") this.line.tell("attributes", { attributes: flat(details, "company") });
      },
      "session:segments": (segments, overwrite) => {
        if (!Array.isArray(segments)) throw invalid("session:segments takes [[segment, …], overwrite]");
        const before = overwrite === true ? [] : this.tags;
        this.tags = [...new Set([...before, ...segments.map(String)])];
        this.line.tell("tags", { tags: this.tags });
      },
      "session:data": (key, value) => this.data(Array.isArray(key) ? key : [[key, value]]),
      "session:event": (events) => {
        if (!Array.isArray(events) || !events.every(Array.isArray)) throw invalid("session:event takes [[[name, data, color]]]");
        for (const [name, data, color] of events) this.event(name, data, color);
      },
      "message:text": (prefill) => this.panel.prefill(text("message:text", prefill)),
    };
  }

  /** @param {string} name @param {string} value @param {Record<string, unknown>} claim */
  identify(name, value, claim) {
    const changed = this.user[name] !== value;
    this.user[name] = value;
    this.line.tell("identify", claim);
    if (changed) this.fire(`${name}:changed`, value);
  }

  /** @param {string} name @param {string} value */
  describe(name, value) {
    const changed = this.user[name] !== value;
    this.user[name] = value;
    this.line.tell("attributes", { attributes: { [name]: value } });
    if (changed) this.fire(`${name}:changed`, value);
  }

  /** @param {unknown[]} pairs Keys lower-case with `_` and `-`; text, numbers and booleans; "" clears a key. */
  data(pairs) {
    /** @type {Record<string, unknown>} */
    const attributes = {};
    for (const pair of pairs) {
      if (!Array.isArray(pair)) throw invalid("session:data takes [key, value] or [[[key, value], …]]");
      const [key, value] = pair;
      if (/^[a-z0-9_-]+$/.test(String(key)) && ["string", "number", "boolean"].includes(typeof value)) {
        attributes[key] = value === "" ? null : value;
      } else {
        console.warn(`[Crisp sandbox] session:data ${String(key)} dropped`);
      }
    }
    this.line.tell("attributes", { attributes });
  }

  /** @param {unknown} name @param {unknown} data @param {unknown} color */
  event(name, data, color) {
    if (typeof name !== "string" || !name) throw invalid("session:event: the name must be text");
    if (color !== undefined && !COLORS.includes(String(color))) throw invalid(`session:event: no color ${String(color)}`);
    this.events.push({ name, data: data || {} });
    this.line.tell("event", { name, data: flat(data, "") });
  }

  /** @returns {Record<string, (...args: any[]) => void>} */
  actions() {
    return {
      "chat:open": () => this.open(),
      "chat:close": () => this.close(),
      "chat:toggle": () => (this.opened ? this.close() : this.open()),
      "chat:show": () => this.show(true),
      "chat:hide": () => this.show(false),
      "message:read": () => this.line.markRead(),
      "message:send": (type, content) => this.say(type === "text" ? text("message:send", content) : `[${type}]`),
      "message:show": (type, content) => this.panel.note(type === "text" ? String(content) : `[${type}]`),
      "message:thread:start": (name) => this.panel.note(`Thread ${String(name)}`),
      "message:thread:end": () => undefined,
      "session:reset": (reload) => {
        this.reset();
        if (reload === true) location.reload();
      },
      "helpdesk:search": () => this.opening("Help centre"),
      "helpdesk:article:open": (locale, slug, title) => {
        const place = `${text("helpdesk:article:open", slug)} (${text("helpdesk:article:open", locale)})`;
        this.opening(`Article ${title ? `“${title}” ` : ""}${place}`);
      },
      "helpdesk:query": (query) => this.opening(`Help centre: ${query}`),
      "overlay:open": () => this.opening("Overlay"),
      "overlay:close": () => undefined,
      "trigger:run": (name) => this.runs("Trigger", text("trigger:run", name)),
      "bot:scenario:run": (id, variables) => this.runs("Scenario", text("bot:scenario:run", id), variables),
    };
  }

  /** @returns {Record<string, (...args: any[]) => void>} */
  configs() {
    const taken = Object.fromEntries(SHOWN.map((name) => [name, () => undefined]));
    return {
      ...taken,
      "position:reverse": (reverse) => this.panel.place(reverse === true ? "bl" : "br", 24, 20),
      "hide:on:mobile": (hide) => this.panel.hideOnMobile(hide === true),
      "hide:on:away": (hide) => this.hideWhenAway(hide === true),
      "hide:vacation": (hide) => this.hideWhenAway(hide === true),
      "container:index": (index) => {
        if (!Number.isInteger(index)) throw invalid("container:index takes an integer");
        this.panel.zIndex(index);
      },
    };
  }

  /** @param {string} name @param {string} key */
  get(name, key) {
    const loaded = this.line.session || null;
    if (name === "chat:unread:count") return this.line.unread;
    if (name === "session:identifier") return loaded;
    if (name === "session:data") return this.line.view?.attributes[key] ?? null;
    if (name === "message:text") return this.panel.composer.value;
    if (name in this.user || name.startsWith("user:")) return this.user[name] ?? null;
    throw invalid(`get ${name} does not exist`);
  }

  /** @param {string} name @returns {boolean} */
  is(name) {
    const answers = {
      "chat:opened": this.opened, "chat:closed": !this.opened, "chat:visible": !this.hidden, "chat:hidden": this.hidden,
      "chat:small": innerWidth <= 640, "chat:large": innerWidth > 640, "session:ongoing": Boolean(this.line.view?.ongoing),
      "website:available": this.line.status === "online", "overlay:opened": false, "overlay:closed": true,
    };
    if (!(name in answers)) throw invalid(`is ${name} does not exist`);
    return answers[/** @type {keyof typeof answers} */ (name)];
  }

  // -- the chatbox ---------------------------------------------------------------------------------------------

  open() {
    if (this.opened) return;
    this.interacted?.();
    this.opened = true;
    if (!this.initiated) {
      this.initiated = true;
      this.fire("chat:initiated");
    }
    this.draw();
    this.opens += 1;
    this.fire("chat:opened");
    if (!this.hidden) this.line.markRead();
  }

  close() {
    if (!this.opened) return;
    this.opened = false;
    this.draw();
    this.fire("chat:closed");
  }

  /** @param {string} note */
  opening(note) {
    this.open();
    this.panel.note(note);
  }

  /** What runs is seen by what it does, which is not known here: the panel and the agents get its name.
   * @param {string} kind @param {string} name @param {unknown} [variables] text, numbers and booleans alone */
  runs(kind, name, variables = {}) {
    const plain = Boolean(variables) && typeof variables === "object"
      && Object.values(/** @type {object} */ (variables)).every((value) => ["string", "number", "boolean"].includes(typeof value));
    if (!name || !plain) throw invalid(`${kind} takes a name, and variables of text, numbers and booleans`);
    this.panel.note(`${kind} ${name} would run here`);
    this.event(`${kind.toLowerCase()} ${name}`, variables, undefined);
  }

  /** @param {boolean} shown */
  show(shown) {
    this.hidden = !shown;
    this.draw();
  }

  /** @param {boolean} hide */
  hideWhenAway(hide) {
    this.hideAway = hide;
    this.draw();
  }

  /** @param {string} said */
  say(said) {
    this.line.tell("message", { text: said });
  }

  /** @param {import("../../sandbox/panel.js").Message} message */
  heard(message) {
    if (message.author === "system") return;
    /** @type {CrispMessage} */
    const shape = { type: "text", content: message.text, from: message.author === "agent" ? "operator" : "user",
      fingerprint: message.n, timestamp: Math.round(message.at * 1000) };
    this.fire(message.author === "agent" ? "message:received" : "message:sent", shape);
  }

  /** @param {import("../../sandbox/panel.js").Status} status */
  statusChanged(status) {
    this.draw();
    this.fire("website:availability:changed", status === "online");
  }

  draw() {
    const away = this.hideAway && this.line.status !== "online";
    this.panel.show(!this.hidden && !away);
    this.panel.toggle(this.opened);
    this.panel.status(this.line.status);
    this.panel.who(this.line.identity);
    this.panel.unread(this.line.unread);
    this.panel.messages(this.line.session, this.line.messages, "Questions? Chat with us!");
    this.panel.rate(this.line.view ? this.line.view.rating : null);
  }
}

/** @param {string} message */
function invalid(message) {
  return new Error(`[Crisp sandbox] ${message}`);
}

/** @param {string} name @param {unknown} value @returns {string} */
function text(name, value) {
  if (typeof value !== "string") throw invalid(`${name} takes text`);
  return value;
}

/** @param {unknown} data @param {string} prefix @returns {Record<string, unknown>} Nested things as JSON text. */
function flat(data, prefix) {
  const entries = data && typeof data === "object" ? Object.entries(data) : [];
  return Object.fromEntries(entries.map(([key, value]) => [
    prefix ? `${prefix}:${key}` : key, value && typeof value === "object" ? JSON.stringify(value) : value]));
}

function cookiesWork() {
  try {
    return navigator.cookieEnabled && typeof document.cookie === "string";
  } catch {
    return false; // a browser that blocks them may throw
  }
}

/** @param {string} api @param {Variant} [variant] */
export function start(api, variant = {}) {
  if (innerWidth < NARROWEST || !cookiesWork() || !window.WebSocket) return;
  if (CRAWLERS.some((name) => navigator.userAgent.includes(name))) return;
  const client = page.$crisp?.__client || new Crisp(api, variant);
  const loader = new Loader(client);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => loader.start(), { once: true });
  else loader.start();
}
