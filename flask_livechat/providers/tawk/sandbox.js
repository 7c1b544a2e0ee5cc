import { ApiError, Line, Panel, baseDomain, call, expose, page, randomId, readCookie, readStorage, writeCookie,
  writeStorage } from "../../sandbox/panel.js";

/**
 * Tawk.to's stand-in: `Tawk_API`, its callbacks and window events, Secure Mode, login and logout.
 *
 * It behaves as the vendor's own script of 2025-04 does, the newest that could be run (2026-11); limits and codes that
 * only the vendor's servers know are those of its documents, read 2026-11.
 */

const HALF_A_YEAR = 15768000; // seconds
const AGENT = { name: "Sandbox agent", position: "Support", image: "", id: "sandbox-agent" };
const CORNERS = ["br", "bl", "cr", "cl", "tr", "tl"];
const KNOWN_CLAIMS = ["name", "email", "hash", "userId", "phone"]; // of login: not custom attributes
const MAX_ATTRIBUTES = 50;
const LOCK_MS = 1000; // how long a tab that registers keeps the others of this browser waiting
const NAVIGATION_MS = 500; // after a navigation, until it is written down
const SETTINGS_VERSION = "2-0";
const SENT = "tawk_has_register_visitor"; // in sessionStorage: `Tawk_API.visitor` is never sent again in this tab

/** @typedef {(error?: unknown) => void} Callback */
/**
 * `events`: whether window events are fired. A build of 2026-09 is known in parts only, so a page should not need them.
 * @typedef {{events?: boolean}} Variant
 */

class Tawk {
  /** @param {string} api @param {string} account the property id of the script's own address @param {Variant} variant */
  constructor(api, account, variant) {
    this.account = account;
    this.variant = variant;
    this.api = page.Tawk_API;
    // Both are read once, as the script arrives: what a page assigns later is never sent, and never called.
    this.visitor = { ...(this.api.visitor || {}) };
    this.callbacks = { ...this.api };
    /** @type {{uuid: string, visitor: Record<string, unknown>} | null} What every registration of this page sends. */
    this.registration = null;
    this.registrations = 0;
    this.loads = 0; // how often tawkLoad was fired
    this.loaded = false; // the session that is wanted is there
    this.token = ""; // of the session; there is none while it is being registered
    this.settled = false; // the widget's settings have been asked for
    this.line = new Line(api, {
      message: (message) => this.heard(message),
      status: (status) => this.statusChanged(status),
      changed: () => this.draw(),
      reading: () => this.maximized,
      lost: () => this.register(),
    });
    this.panel = new Panel({
      vendor: "tawk", marks: { id: randomId(), class: "widget-hidden" }, frame: "chat widget", title: "Tawk.to",
      brand: "#03823a", head: "#03823a", round: "50%", rating: "thumbs", zIndex: 2000000000, x: 20, y: 20,
      launched: () => this.toggle(),
      closed: () => this.minimize(),
      said: (text) => this.say(text),
      rated: (value) => this.rate(value),
    });
    this.hidden = false;
    this.maximized = false;
    this.agentJoined = false;
    this.started = false; // onChatStarted was said of the conversation under way
    this.lastUnread = 0;
    this.opens = 0;
    /** @type {Record<string, unknown>} What this page load has set: it sticks, there is no way to remove it. */
    this.attributes = {};
    /** @type {{name: string, data: unknown}[]} */
    this.events = [];
    /** @type {string[]} What was sent while no session was there to take it. */
    this.lost = [];
    expose("tawk", this.line, this.panel, () => ({ events: this.events.map((event) => ({ ...event })), opened: this.opens,
      loads: this.loads, lost: [...this.lost], uuid: this.registration ? this.registration.uuid : "" }));
  }

  /** The methods are there before anything has been asked of a server, so they say nothing about a session. */
  load() {
    const methods = this.methods();
    Object.assign(this.api, methods);
    Object.assign(page.$_Tawk, methods);
    this.style();
    this.watchNavigation();
    if (this.api.autoStart === false) { // no session, no cookie, nothing on the agents' side
      this.hidden = true;
      this.announce();
      this.panel.mount();
    } else {
      this.register();
    }
    this.draw();
  }

  // -- the session ---------------------------------------------------------------------------------------------

  get connected() {
    return this.line.connected;
  }

  /** A registration is under way, or there was none: nothing that is sent now reaches a session that lives on. */
  get settling() {
    return !this.loaded || !this.connected;
  }

  /** Once after the start, and again after a registration: the flag is set back by each of them. */
  announce() {
    if (this.api.onBeforeLoaded) return;
    this.api.onBeforeLoaded = true;
    this.fire("BeforeLoad");
  }

  /**
   * Ask for a session and open its socket, whatever was there before. A shutdown does not stop it.
   * @returns {Promise<void>}
   */
  async register() {
    this.registrations += 1;
    const mine = this.registrations;
    this.token = "";
    this.loaded = false;
    this.agentJoined = false;
    this.maximized = false; // without an event
    this.draw();
    this.announce();
    await this.lock();
    const unlock = this.lockOthers();
    try {
      const view = await this.line.ask(this.registrationData());
      unlock();
      if (mine === this.registrations) await this.begin(view);
    } catch (error) {
      unlock();
      if (mine !== this.registrations) return;
      console.error("[tawk sandbox] no session:", error);
      // The real script tries five times, with growing pauses, and hides the widget then.
      this.hidden = true;
      this.draw();
    }
  }

  /** @param {import("../../sandbox/panel.js").View} view */
  async begin(view) {
    this.remember(view);
    this.api.onLoaded = false;
    this.api.onBeforeLoaded = this.loads === 0;
    this.panel.mount();
    this.line.stop(); // the old socket
    this.line.begin(view);
    const mine = this.registrations;
    if (!await this.line.connect() || mine !== this.registrations) return;
    this.loaded = true;
    this.loads += 1;
    this.navigated();
    this.draw();
    this.api.onLoaded = true;
    this.fire("Load");
  }

  /** Who the visitor is: read at the first registration, and sent with every later one of this page, after a logout, too. */
  registrationData() {
    const cookie = this.uuidCookie();
    if (!cookie && !readCookie("twk_idm_key")) writeCookie("twk_idm_key", randomId());
    const named = !readStorage("sessionStorage", SENT) && isObject(page.Tawk_API.visitor);
    this.registration = this.registration || { uuid: randomId(), visitor: named ? this.visitor : {} };
    if (cookie) this.registration.uuid = cookie;
    return { account: this.account || null, ...this.registration };
  }

  /** Another tab that registers goes first. */
  async lock() {
    const since = Date.now() - Number(readCookie("TawkConnectionTime") || 0);
    if (since < LOCK_MS) await new Promise((resolve) => setTimeout(resolve, LOCK_MS));
  }

  /** @returns {() => void} what ends it */
  lockOthers() {
    const write = () => writeCookie("TawkConnectionTime", String(Date.now()));
    write();
    const timer = setInterval(write, 100);
    return () => {
      clearInterval(timer);
      writeCookie("TawkConnectionTime", "0");
    };
  }

  uuidCookie() {
    const pair = document.cookie.split("; ").find((cookie) => cookie.startsWith("twk_uuid_"));
    try {
      return String(JSON.parse(decodeURIComponent(pair ? pair.slice(pair.indexOf("=") + 1) : "")).uuid);
    } catch {
      return null; // no cookie, or one that another version wrote
    }
  }

  /** @param {import("../../sandbox/panel.js").View} view */
  remember(view) {
    this.started = view.ongoing;
    this.token = view.session;
    page.$_Tawk_AccountKey = view.account;
    const domain = baseDomain();
    const value = { uuid: this.registration?.uuid, version: 3, domain: domain || location.hostname, ts: Date.now() };
    writeCookie(`twk_uuid_${view.account}`, encodeURIComponent(JSON.stringify(value)), { domain, seconds: HALF_A_YEAR });
    writeStorage("localStorage", `twk_${view.account}`, "vsa1.sandbox");
    writeStorage("localStorage", this.tokenKey, this.token);
    // Where the storage is blocked or full the script writes a cookie in its place.
    if (this.storedToken() !== this.token) writeCookie(`Tawk_${view.account}`, this.token, { domain, seconds: HALF_A_YEAR });
    writeStorage("sessionStorage", "tawk_sv", SETTINGS_VERSION);
    if (isObject(page.Tawk_API.visitor)) writeStorage("sessionStorage", SENT, "true");
  }

  get tokenKey() {
    return `twk_token_${page.$_Tawk_AccountKey || this.account}`;
  }

  /** `pushState`, `popstate` and `hashchange` are watched, `replaceState` is not. */
  watchNavigation() {
    const { pushState } = history;
    history.pushState = (...args) => {
      pushState.apply(history, args);
      this.navigated();
    };
    addEventListener("popstate", () => this.navigated());
    addEventListener("hashchange", () => this.navigated());
  }

  navigated() {
    if (!this.connected) return;
    setTimeout(() => {
      if (this.connected) this.line.moved().catch(() => undefined);
      writeStorage("sessionStorage", "previousNav", location.href);
    }, NAVIGATION_MS);
  }

  /** @param {string} name without its `on` or `tawk` @param {unknown[]} detail */
  fire(name, ...detail) {
    if (this.variant.events !== false) window.dispatchEvent(new CustomEvent(`tawk${name}`, { detail: detail[0] }));
    call(this.callbacks[`on${name}`], ...detail);
  }

  // -- Tawk_API ------------------------------------------------------------------------------------------------

  methods() {
    return {
      start: (/** @type {{showWidget?: boolean}} */ options, /** @type {Callback} */ done) => void this.start(options, done),
      shutdown: (/** @type {Callback} */ done) => this.shutdown(done),
      maximize: () => this.maximize(),
      minimize: () => this.minimize(),
      toggle: () => this.toggle(),
      popup: () => console.info("[tawk sandbox] popup() is not imitated"),
      showWidget: () => this.show(true),
      hideWidget: () => this.show(false),
      toggleVisibility: () => this.show(this.hidden),
      endChat: () => this.endChat(),
      getWindowType: () => (this.api.embedded ? "embed" : "inline"),
      getStatus: () => (this.loads ? this.line.status : ""),
      isChatMaximized: () => this.maximized,
      isChatMinimized: () => !this.maximized,
      isChatHidden: () => this.hidden,
      isChatOngoing: () => this.ongoing,
      isVisitorEngaged: () => this.ongoing,
      widgetPosition: () => this.panel.corner,
      setAttributes: (/** @type {unknown} */ attributes, /** @type {Callback} */ done) => this.setAttributes(attributes, done),
      addEvent: (/** @type {string} */ name, /** @type {any} */ meta, /** @type {Callback} */ done) =>
        (typeof meta === "function" ? this.addEvent(name, {}, meta) : this.addEvent(name, meta || {}, done)),
      addTags: (/** @type {unknown} */ tags, /** @type {Callback} */ done) => this.tag(tags, true, done),
      removeTags: (/** @type {unknown} */ tags, /** @type {Callback} */ done) => this.tag(tags, false, done),
      login: (/** @type {unknown} */ claims, /** @type {Callback} */ done) => void this.login(claims, done),
      logout: (/** @type {Callback} */ done) => void this.logout(done),
      switchWidget: (/** @type {unknown} */ options, /** @type {Callback} */ done) => void this.switchWidget(options, done),
    };
  }

  get ongoing() {
    return Boolean(this.line.view?.ongoing);
  }

  /** @param {{showWidget?: boolean}} [options] @param {Callback} [done] */
  async start(options, done) {
    await this.register();
    if (options && options.showWidget) this.show(true);
    call(done);
  }

  /**
   * Close the socket and hide the widget, at once. What is stored stays, and a registration under way goes on.
   * @param {Callback} [done]
   */
  shutdown(done) {
    this.line.stop();
    this.show(false);
    call(done);
  }

  maximize() {
    if (this.maximized) return;
    this.maximized = true;
    this.opens += 1;
    this.draw();
    this.fire("ChatMaximized");
    this.line.markRead();
  }

  minimize() {
    if (!this.maximized) return;
    this.maximized = false;
    this.draw();
    this.fire("ChatMinimized");
  }

  toggle() {
    if (this.maximized) this.minimize();
    else this.maximize();
  }

  /** Hiding is told each time, also of a widget that is hidden. @param {boolean} shown */
  show(shown) {
    this.hidden = !shown;
    this.draw();
    if (!shown) this.fire("ChatHidden");
  }

  endChat() {
    if (this.ongoing) this.line.tell("end");
  }

  /** @param {unknown} given @param {Callback} [done] */
  setAttributes(given, done) {
    if (!isObject(given)) return finish(done, refusal("INVALID_ATTRIBUTES"));
    const { name, email, hash, ...custom } = /** @type {Record<string, any>} */ (given);
    const problem = this.problem(custom);
    if (problem) return call(done, `[JSAPI/setAttributes]: ${problem}`);
    if (name !== undefined || email !== undefined) {
      this.line.send("identify", { name: name || null, email: email || null, hash: hash || null })
        .then(() => this.addAttributes(custom, done), (error) => finish(done, this.refusal(error)));
    } else {
      this.addAttributes(custom, done);
    }
  }

  /** @param {Record<string, unknown>} custom The first rule of the script's own that it breaks, "" for none. */
  problem(custom) {
    if (Object.keys(custom).length > MAX_ATTRIBUTES) return `${MAX_ATTRIBUTES} custom attributes are only allowed.`;
    const key = Object.keys(custom).find((name) => !/^[a-zA-Z0-9-]{1,50}$/.test(name));
    if (key !== undefined) return `Invalid key: ${key}`;
    const good = (/** @type {unknown} */ value) => (typeof value === "string" ? value.length <= 255
      : value === null || typeof value === "number" || typeof value === "boolean");
    const bad = Object.entries(custom).find(([, value]) => !good(value));
    return bad ? `Invalid value for key ${bad[0]}: ${String(bad[1])}}` : "";
  }

  /**
   * The vendor's server counts all that this page has set, in lower case.
   * @param {Record<string, unknown>} custom @param {Callback} [done]
   */
  addAttributes(custom, done) {
    const news = Object.fromEntries(Object.entries(custom).map(([key, value]) => [key.toLowerCase(), value]));
    if (Object.keys({ ...this.attributes, ...news }).length > MAX_ATTRIBUTES) {
      return finish(done, refusal("ATTRIBUTE_LIMIT_EXCEEDED"));
    }
    Object.assign(this.attributes, news);
    this.report("attributes", { attributes: news }, done);
  }

  /** @param {string} name @param {Record<string, unknown>} data @param {Callback} [done] */
  addEvent(name, data, done) {
    if (!/^[a-z0-9-]+$/i.test(String(name || ""))) return finish(done, refusal("INVALID_EVENT_NAME"));
    if (this.problem(data)) return finish(done, refusal("CONTAINS_INVALID_KEY", this.problem(data)));
    this.events.push({ name, data });
    this.report("event", { name, data }, done);
  }

  /** @param {unknown} given @param {boolean} add @param {Callback} [done] */
  tag(given, add, done) {
    if (!Array.isArray(given) || given.length === 0 || !given.every((tag) => typeof tag === "string" && tag)) {
      return finish(done, refusal("INVALID_TAGS"));
    }
    const before = this.line.view ? this.line.view.tags : [];
    const tags = add ? [...new Set([...before, ...given])] : before.filter((tag) => !given.includes(tag));
    if (tags.length > 10) return finish(done, refusal("TAG_LIMIT_EXCEEDED"));
    this.report("tags", { tags }, (error) => {
      call(done, error);
      if (!error) this.fire("TagsUpdated", tags);
    });
  }

  /**
   * Send something to the session. While another one is being registered it goes to the old socket, which takes it and
   * closes; before the first one it goes nowhere, and nobody answers.
   * @param {string} action @param {Record<string, unknown>} body @param {Callback} [done]
   */
  report(action, body, done) {
    if (this.settling) {
      this.lost.push(action);
      return this.loads ? finish(done) : undefined;
    }
    // Whoever the page named at its start is named with everything that it sends.
    const { email = null, hash = null } = this.visitor;
    this.line.send(action, { ...body, email, hash }).then(() => finish(done), (error) => finish(done, this.refusal(error)));
  }

  /** @param {unknown} error @returns {unknown} what a callback is told: an object, or true where nothing came through */
  refusal(error) {
    if (!(error instanceof ApiError)) return true;
    return refusal(error.status === 404 ? "SESSION_EXPIRED" : error.code, `${error.status}: ${error.code}`);
  }

  /**
   * Where there is no token yet, one is asked for by another registration. With a visitor who was not sent yet this
   * throws inside the real script, and the callback is never called.
   * @param {string} what @returns {Promise<boolean>} whether there is one
   */
  async hasToken(what) {
    if (this.token) return true;
    if (isObject(page.Tawk_API.visitor) && !readStorage("sessionStorage", SENT)) {
      console.error(`[JSAPI/${what}]`, new TypeError("Cannot convert undefined or null to object"));
      return false;
    }
    await this.register();
    return Boolean(this.token);
  }

  /** @param {unknown} given @param {Callback} [done] called when the new registration has begun, not when it is there */
  async login(given, done) {
    const claims = /** @type {Record<string, any>} */ (isObject(given) ? given : {});
    if (!await this.hasToken("Login")) return;
    const attributes = Object.fromEntries(Object.entries(claims).filter(([key]) => !KNOWN_CLAIMS.includes(key)));
    if (claims.phone) attributes.phone = claims.phone;
    const { userId, hash, name = null, email = null } = claims;
    if (typeof userId !== "string" || !userId || typeof hash !== "string" || this.problem(attributes)) {
      return finish(done, refusal("INVALID_LOGIN", this.problem(attributes) || "400: login() needs userId and hash as text"));
    }
    try {
      const { uuid } = this.registration || {};
      const session = this.storedToken();
      await this.line.post("login", { session, uuid, user_id: userId, hash, name, email, attributes });
    } catch (error) {
      return call(done, this.refusal(error));
    }
    this.register();
    call(done);
  }

  /**
   * The user's conversation stays with the user; this browser registers again. Without a token in the storage the server
   * does not know whom to log out, and the one who registers again is the one who was there.
   * @param {Callback} [done] called when the new registration has begun
   */
  async logout(done) {
    if (!await this.hasToken("Logout")) return;
    const token = this.storedToken();
    try {
      if (token) await this.line.post("logout", { session: token, uuid: this.registration?.uuid, page: location.pathname });
    } catch (error) {
      return call(done, this.refusal(error));
    }
    this.register();
    call(done);
  }

  storedToken() {
    return readStorage("localStorage", this.tokenKey) || readCookie(`Tawk_${page.$_Tawk_AccountKey || this.account}`);
  }

  /** @param {unknown} options @param {Callback} [done] */
  async switchWidget(options, done) {
    const { propertyId, widgetId } = /** @type {Record<string, any>} */ (options || {});
    if (!propertyId || !widgetId || propertyId !== this.line.view?.account) return finish(done, "INVALID_PROPERTY_ID");
    page.$_Tawk_WidgetId = widgetId;
    await this.logout(done); // a login does not survive the switch
  }

  // -- the widget ----------------------------------------------------------------------------------------------

  style() {
    const { zIndex, visibility } = this.api.customStyle || {};
    if (zIndex !== undefined) this.panel.zIndex(zIndex);
    const mobile = matchMedia("(max-width: 640px)");
    const place = () => {
      const { position = "br", xOffset = 20, yOffset = 20 } = (visibility || {})[mobile.matches ? "mobile" : "desktop"] || {};
      this.panel.place(CORNERS.includes(position) ? position : "br", xOffset, yOffset);
    };
    mobile.addEventListener("change", place);
    place();
  }

  /** @param {string} text */
  say(text) {
    if (!this.connected) void this.start().then(() => this.line.tell("message", { text }));
    else this.line.tell("message", { text });
  }

  /** @param {number} value Thumbs; the same one again takes it back. */
  rate(value) {
    const next = this.line.view?.rating === value ? 0 : value;
    this.line.tell("rating", { value: next });
    this.fire("ChatSatisfaction", next);
  }

  /** @param {import("../../sandbox/panel.js").Message} message */
  heard(message) {
    if (message.author === "system") return this.ended(message);
    if (!this.started) {
      this.started = true;
      this.fire("ChatStarted");
    }
    if (message.author === "visitor") return this.fire("ChatMessageVisitor", message.text);
    if (!this.agentJoined) {
      this.agentJoined = true;
      this.fire("AgentJoinChat", { ...AGENT });
    }
    this.fire("ChatMessageAgent", message.text);
  }

  /** @param {import("../../sandbox/panel.js").Message} message */
  ended(message) {
    this.fire("ChatMessageSystem", message.text);
    if (this.agentJoined) this.fire("AgentLeaveChat", { name: AGENT.name, id: AGENT.id });
    this.agentJoined = false;
    this.started = false;
    this.fire("ChatEnded");
  }

  /** @param {import("../../sandbox/panel.js").Status} status */
  statusChanged(status) {
    this.draw();
    this.fire("StatusChange", status);
  }

  draw() {
    const shown = !this.hidden || this.maximized; // an open panel stays, although the widget is hidden
    this.panel.root.className = shown ? "widget-visible" : "widget-hidden";
    this.panel.show(shown && this.loads > 0);
    this.panel.toggle(this.maximized);
    this.panel.status(this.line.status);
    this.panel.who(this.line.identity);
    this.panel.unread(this.line.unread);
    this.panel.messages(this.line.session, this.line.messages, "Hi there! How can we help?");
    this.panel.rate(this.line.view ? this.line.view.rating : null);
    if (this.line.unread !== this.lastUnread) {
      this.lastUnread = this.line.unread;
      this.fire("UnreadCountChanged", this.lastUnread);
    }
  }
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** @param {string} code @param {string} [message] */
function refusal(code, message = code) {
  return { code, message };
}

/** @param {Callback | undefined} done @param {unknown} [error] An answer of the server's comes after the call has returned. */
function finish(done, error) {
  if (typeof done === "function") queueMicrotask(() => call(done, error));
}

/** @param {string} api @param {Variant} [variant] */
export function start(api, variant = {}) {
  page.Tawk_API = page.Tawk_API || {};
  if (page.$_Tawk && page.$_Tawk.init) return; // a second run of the script does nothing
  page.$_Tawk = { init: true };
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const [, account = "", widget = "default"] = /\/([0-9a-f]{24})\/([a-z0-9]{1,50})$/i.exec(script ? script.src : "") || [];
  page.$_Tawk_AccountKey = account;
  page.$_Tawk_WidgetId = widget;
  page.$_Tawk_Unstable = false;
  const load = () => new Tawk(api, account, variant).load();
  if (document.readyState === "complete") load();
  else addEventListener("load", load, { once: true });
}
