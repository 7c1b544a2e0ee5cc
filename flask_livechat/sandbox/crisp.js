import { ApiError, Line, Panel, baseDomain, call, dropCookie, expose, hasRun, page, readCookie, writeCookie } from "./panel.js";

/**
 * Crisp's stand-in: the `$crisp` queue and object, the session cookie, the continuity token.
 * Facts are those of the project's notes on Crisp, 2026-11.
 */

const HALF_A_YEAR = 15768000; // seconds
const COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "grey", "black"];
const EVENTS = ["session:loaded", "chat:initiated", "chat:opened", "chat:closed", "message:sent", "message:received",
  "message:compose:sent", "message:compose:received", "user:email:changed", "user:phone:changed", "user:nickname:changed",
  "user:avatar:changed", "website:availability:changed", "helpdesk:queried"];
const SHOWN = ["availability:tooltip", "sound:mute", "show:operator:count", "color:theme", "color:mode", "lock:maximized",
  "lock:fullview"]; // taken, without a visible effect here

/** @typedef {{type: string, content: unknown, from: string, fingerprint: number, timestamp: number}} CrispMessage */

class Crisp {
  /** @param {string} api */
  constructor(api) {
    this.line = new Line(api, {
      message: (message) => this.heard(message),
      status: (status) => this.statusChanged(status),
      changed: () => this.draw(),
      reading: () => this.opened && !this.hidden,
      lost: () => this.restart(),
    });
    this.panel = new Panel({
      vendor: "crisp", marks: { class: "crisp-client" }, frame: "", title: "Crisp", brand: "#1972f5", head: "linear-gradient(135deg, #1972f5, #4b91f7)", round: "50%",
      rating: "stars", zIndex: 1000000, x: 24, y: 20,
      launched: () => (this.opened ? this.close() : this.open()),
      closed: () => this.close(),
      said: (text) => this.say(text),
      rated: (value) => this.line.tell("rating", { value }),
    });
    this.safe = false;
    this.ready = false;
    this.opened = false;
    this.hidden = false;
    this.initiated = false;
    this.opens = 0;
    this.hideAway = false;
    /** @type {Record<string, unknown>} */
    this.callbacks = {};
    /** @type {Record<string, unknown>} */
    this.user = {};
    /** @type {string[]} */
    this.tags = [];
    /** @type {{name: string, data: unknown}[]} */
    this.events = [];
    expose("crisp", this.line, this.panel, () => ({ events: this.events.map((event) => ({ ...event })), opened: this.opens }));
  }

  // -- the session ---------------------------------------------------------------------------------------------

  cookieName() {
    return encodeURIComponent(`crisp-client/session/${page.CRISP_WEBSITE_ID}`);
  }

  cookieDomain() {
    return page.CRISP_COOKIE_DOMAIN || baseDomain();
  }

  /** Read the globals, as at load and again at every session:reset, and open what they lead to. */
  async session() {
    const runtime = page.CRISP_RUNTIME_CONFIG || {};
    const view = await this.line.open({
      account: String(page.CRISP_WEBSITE_ID),
      token: page.CRISP_TOKEN_ID ? String(page.CRISP_TOKEN_ID) : null,
      session: readCookie(this.cookieName()) || null,
      merge: runtime.session_merge === true,
    });
    const seconds = Number(page.CRISP_COOKIE_EXPIRE) > 0 ? Number(page.CRISP_COOKIE_EXPIRE) : HALF_A_YEAR;
    writeCookie(this.cookieName(), view.session, { domain: this.cookieDomain(), seconds });
    this.tags = view.tags;
    this.user = { "user:email": view.identity.email, "user:nickname": view.identity.name };
  }

  async load() {
    await this.session();
    this.panel.mount();
    this.ready = true;
    const queue = Array.isArray(page.$crisp) ? page.$crisp : [];
    page.$crisp = this.object();
    // One bad call must not lose those behind it; it is still reported as the error it is.
    for (const item of queue) call(() => this.push(item));
    if (this.ready) this.fire("session:loaded", this.line.session); // else the queue held a reset, which will say so
    call(page.CRISP_READY_TRIGGER);
    this.draw();
  }

  /** session:reset is asynchronous: until session:loaded there is no session to set anything on. */
  async reset() {
    if (!this.ready) return;
    this.ready = false;
    await this.line.last;
    this.close();
    dropCookie(this.cookieName(), this.cookieDomain());
    this.initiated = false;
    this.events = [];
    this.panel.prefill("");
    await this.restart();
  }

  async restart() {
    this.ready = false;
    try {
      await this.session();
      this.ready = true;
      this.fire("session:loaded", this.line.session);
      this.draw();
    } catch (error) {
      console.error("[Crisp sandbox] no session:", error);
    }
  }

  // -- $crisp --------------------------------------------------------------------------------------------------

  object() {
    return {
      push: (/** @type {unknown} */ item) => this.push(item),
      get: (/** @type {string} */ name, /** @type {string} */ key) => this.get(name, key),
      is: (/** @type {string} */ name) => this.is(name),
      set: (/** @type {string} */ name, /** @type {unknown} */ args) => this.push(["set", name, args]),
      do: (/** @type {string} */ name, /** @type {unknown} */ args) => this.push(["do", name, args]),
      on: (/** @type {string} */ name, /** @type {unknown} */ fn) => this.push(["on", name, fn]),
      off: (/** @type {string} */ name) => this.push(["off", name]),
      config: (/** @type {string} */ name, /** @type {unknown} */ args) => this.push(["config", name, args]),
      help: () => console.info("[Crisp sandbox] push([verb, method, args]), get(method, key), is(method)"),
    };
  }

  /** @param {unknown} item */
  push(item) {
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
    if (!this.ready && (verb === "set" || !String(method).startsWith("chat:")) && verb !== "config") {
      // What happens to it at Crisp is not documented; a page that waits for session:loaded is right either way.
      console.warn(`[Crisp sandbox] ${verb} ${method} during session:reset is lost, wait for session:loaded`);
      return;
    }
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
      "session:reset": (reload) => void this.reset().then(() => (reload === true ? location.reload() : undefined)),
      "helpdesk:search": () => this.opening("Help centre"),
      "helpdesk:article:open": (locale, slug, title) => this.opening(`Article “${title || slug}” (${locale})`),
      "helpdesk:query": (query) => this.opening(`Help centre: ${query}`),
      "overlay:open": () => this.opening("Overlay"),
      "overlay:close": () => undefined,
      "trigger:run": (name) => this.event(`trigger ${name}`, {}, undefined),
      "bot:scenario:run": (id) => this.event(`scenario ${id}`, {}, undefined),
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
    const loaded = this.ready ? this.line.session : null;
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

  /** @param {import("./panel.js").Message} message */
  heard(message) {
    if (message.author === "system") return;
    /** @type {CrispMessage} */
    const shape = { type: "text", content: message.text, from: message.author === "agent" ? "operator" : "user",
      fingerprint: message.n, timestamp: Math.round(message.at * 1000) };
    this.fire(message.author === "agent" ? "message:received" : "message:sent", shape);
  }

  /** @param {import("./panel.js").Status} status */
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

/** @param {string} api */
export function start(api) {
  if (page.$crisp && !Array.isArray(page.$crisp) && page.$crisp.is) return; // loaded once
  if (hasRun("crisp")) return; // the second of two tags, while the first still waits for its session
  if (!page.CRISP_WEBSITE_ID) {
    console.error("[Crisp sandbox] CRISP_WEBSITE_ID is not set");
    return;
  }
  if (!navigator.cookieEnabled || innerWidth < 280) return;
  new Crisp(api).load().catch((error) => {
    const known = error instanceof ApiError ? ` (${error.code})` : "";
    console.error(`[Crisp sandbox] did not start${known}:`, error);
  });
}
