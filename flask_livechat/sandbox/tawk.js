import { ApiError, Line, Panel, baseDomain, call, dropCookie, expose, page, readCookie, writeCookie } from "./panel.js";

/**
 * Tawk.to's stand-in: `Tawk_API`, its callbacks and window events, Secure Mode, login and logout.
 * Facts are those of the project's notes on Tawk.to, 2026-11.
 */

const HALF_A_YEAR = 15768000; // seconds
const AGENT = { name: "Sandbox agent", position: "Support", image: "", id: "sandbox-agent" };
const CORNERS = ["br", "bl", "cr", "cl", "tr", "tl"];
const OURS = ["name", "email", "hash", "userId", "phone"]; // of login: not custom attributes

/** @typedef {(error?: unknown) => void} Callback */

class Tawk {
  /** @param {string} api @param {string} account the property id of the script's own address, "" when it has none */
  constructor(api, account) {
    this.account = account;
    this.api = page.Tawk_API;
    // Read once, as the script arrives: what a page assigns later is never sent.
    this.visitor = { ...(this.api.visitor || {}) };
    this.line = new Line(api, {
      message: (message) => this.heard(message),
      status: (status) => this.statusChanged(status),
      changed: () => this.draw(),
      reading: () => this.maximized && !this.hidden,
      lost: () => void this.connect().catch((error) => console.error("[tawk sandbox]", error)),
    });
    this.panel = new Panel({
      vendor: "tawk", marks: { class: "widget-visible" }, title: "Tawk.to", brand: "#03823a", head: "#03823a", round: "50%", rating: "thumbs",
      zIndex: 2000000000, x: 20, y: 20,
      launched: () => this.toggle(),
      closed: () => this.minimize(),
      said: (text) => this.say(text),
      rated: (value) => this.rate(value),
    });
    this.connected = false;
    this.hidden = false;
    this.maximized = false;
    this.agentJoined = false;
    this.started = false; // onChatStarted was said of the conversation under way
    this.lastUnread = 0;
    this.opens = 0;
    /** @type {Record<string, string>} What this page load has set: it sticks, there is no way to remove it. */
    this.attributes = {};
    /** @type {{name: string, data: unknown}[]} */
    this.events = [];
    expose("tawk", this.line, this.panel, () => ({ events: this.events.map((event) => ({ ...event })), opened: this.opens,
      connected: this.connected }));
  }

  async load() {
    this.style();
    if (this.api.autoStart === false) this.hidden = true; // no session, no cookie, nothing on the agents' side
    else await this.connect();
    Object.assign(this.api, this.methods());
    this.api.onBeforeLoaded = true;
    this.fire("BeforeLoad");
    this.panel.mount();
    this.draw();
    this.api.onLoaded = true;
    this.fire("Load");
  }

  // -- the session ---------------------------------------------------------------------------------------------

  async connect() {
    const view = await this.line.open({
      account: this.account || null,
      uuid: this.uuid(),
      login: readCookie("twk_idm_key") || null,
      visitor: this.visitor,
    });
    this.connected = true;
    this.remember(view);
    page.$_Tawk_AccountKey = view.account;
    this.draw();
  }

  uuid() {
    const pair = document.cookie.split("; ").find((cookie) => cookie.startsWith("twk_uuid_"));
    try {
      return String(JSON.parse(decodeURIComponent(pair ? pair.slice(pair.indexOf("=") + 1) : "")).uuid);
    } catch {
      return null; // no cookie, or one that another version wrote
    }
  }

  /** @param {import("./panel.js").View} view */
  remember(view) {
    this.started = view.ongoing;
    const domain = baseDomain();
    const value = { uuid: view.session, version: 3, domain: domain || location.hostname, ts: Date.now() };
    writeCookie(`twk_uuid_${view.account}`, encodeURIComponent(JSON.stringify(value)), { domain, seconds: HALF_A_YEAR });
    writeCookie("TawkConnectionTime", "0");
    if (view.identity.id) writeCookie("twk_idm_key", view.session);
    else dropCookie("twk_idm_key");
    try {
      localStorage.setItem(`twk_token_${view.account}`, view.session);
    } catch {
      // storage is blocked: the cookie is enough
    }
  }

  /** @param {string} name without its `on` or `tawk` @param {unknown[]} detail */
  fire(name, ...detail) {
    call(this.api[`on${name}`], ...detail);
    window.dispatchEvent(new CustomEvent(`tawk${name}`, { detail: detail[0] }));
  }

  // -- Tawk_API ------------------------------------------------------------------------------------------------

  methods() {
    return {
      start: (/** @type {{showWidget?: boolean}} */ options) => void this.start(options),
      shutdown: () => this.shutdown(),
      maximize: () => this.maximize(),
      minimize: () => this.minimize(),
      toggle: () => this.toggle(),
      popup: () => console.info("[tawk sandbox] popup() is not imitated"),
      showWidget: () => this.show(true),
      hideWidget: () => this.show(false),
      toggleVisibility: () => this.show(this.hidden),
      endChat: () => this.endChat(),
      getWindowType: () => (this.api.embedded ? "embed" : "inline"),
      getStatus: () => this.line.status,
      isChatMaximized: () => this.maximized && !this.hidden,
      isChatMinimized: () => !this.maximized && !this.hidden,
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

  /** @param {{showWidget?: boolean}} [options] */
  async start(options) {
    try {
      if (!this.line.view) await this.connect();
      else this.line.listen();
      this.connected = true;
      if (options && options.showWidget) this.show(true);
    } catch (error) {
      console.error("[tawk sandbox] start:", error);
    }
  }

  /** Disconnects, and nothing more: who the visitor is, is not forgotten. */
  shutdown() {
    this.connected = false;
    this.line.stop();
  }

  maximize() {
    if (this.hidden || this.maximized) return;
    this.maximized = true;
    this.opens += 1;
    this.draw();
    this.fire("ChatMaximized");
    this.line.markRead();
  }

  minimize() {
    if (this.hidden || !this.maximized) return;
    this.maximized = false;
    this.draw();
    this.fire("ChatMinimized");
  }

  toggle() {
    if (this.maximized) this.minimize();
    else this.maximize();
  }

  /** @param {boolean} shown */
  show(shown) {
    if (shown !== this.hidden) return;
    this.hidden = !shown;
    if (!shown) this.maximized = false;
    this.draw();
    if (!shown) this.fire("ChatHidden");
  }

  endChat() {
    if (this.ongoing) this.line.tell("end");
  }

  /** @param {unknown} given @param {Callback} [done] */
  setAttributes(given, done) {
    if (!given || typeof given !== "object" || Object.keys(given).length === 0) return finish(done, "INVALID_ATTRIBUTES");
    const { name, email, hash, ...custom } = /** @type {Record<string, any>} */ (given);
    const problem = this.problem(custom);
    if (problem) return finish(done, problem);
    if (name !== undefined || email !== undefined) {
      this.line.send("identify", { name: name || null, email: email || null, hash: hash || null })
        .then(() => this.keep(custom, done), (error) => finish(done, this.code(error)));
    } else {
      this.keep(custom, done);
    }
  }

  /** @param {Record<string, unknown>} custom The first rule it breaks, "" when it keeps them all. */
  problem(custom) {
    const keys = Object.keys(custom);
    if (!keys.every((key) => /^[a-z0-9-]+$/i.test(key))) return "CONTAINS_INVALID_KEY";
    const good = (/** @type {unknown} */ value) => typeof value !== "object" && value !== undefined && value !== ""
      && String(value).length <= 255;
    if (!Object.values(custom).every(good)) return "CONTAINS_INVALID_VALUE";
    const together = new Set([...Object.keys(this.attributes), ...keys.map((key) => key.toLowerCase())]);
    return together.size > 50 ? "ATTRIBUTE_LIMIT_EXCEEDED" : "";
  }

  /** @param {Record<string, unknown>} custom @param {Callback} [done] */
  keep(custom, done) {
    for (const [key, value] of Object.entries(custom)) this.attributes[key.toLowerCase()] = String(value);
    this.report("attributes", { attributes: this.attributes }, done);
  }

  /** @param {string} name @param {Record<string, unknown>} data @param {Callback} [done] */
  addEvent(name, data, done) {
    if (!/^[a-z0-9-]+$/i.test(String(name || ""))) return finish(done, "INVALID_EVENT_NAME");
    const problem = this.problem(data);
    if (problem && problem !== "ATTRIBUTE_LIMIT_EXCEEDED") return finish(done, problem);
    this.events.push({ name, data });
    this.report("event", { name, data }, done);
  }

  /** @param {unknown} given @param {boolean} add @param {Callback} [done] */
  tag(given, add, done) {
    if (!Array.isArray(given) || given.length === 0 || !given.every((tag) => typeof tag === "string" && tag)) {
      return finish(done, "INVALID_TAGS");
    }
    const before = this.line.view ? this.line.view.tags : [];
    const tags = add ? [...new Set([...before, ...given])] : before.filter((tag) => !given.includes(tag));
    if (tags.length > 10) return finish(done, "TAG_LIMIT_EXCEEDED");
    this.line.send("tags", { tags }).then(() => {
      finish(done);
      this.fire("TagsUpdated", tags);
    }, (error) => finish(done, this.code(error)));
  }

  /** @param {string} action @param {Record<string, unknown>} body @param {Callback} [done] */
  report(action, body, done) {
    if (!this.connected) return finish(done, "SESSION_EXPIRED");
    this.line.send(action, body).then(() => finish(done), (error) => finish(done, this.code(error)));
  }

  /** @param {unknown} error */
  code(error) {
    if (!(error instanceof ApiError)) return "SERVER_ERROR";
    return error.code === "ACCESS_ERROR" ? error.code : error.status === 404 ? "SESSION_EXPIRED" : "SERVER_ERROR";
  }

  /** @param {unknown} given @param {Callback} [done] */
  async login(given, done) {
    const claims = /** @type {Record<string, any>} */ (given && typeof given === "object" ? given : {});
    const custom = Object.fromEntries(Object.entries(claims).filter(([key]) => !OURS.includes(key)));
    if (typeof claims.userId !== "string" || !claims.userId || typeof claims.hash !== "string" || this.problem(custom)) {
      return this.refused(done, 400, this.problem(custom) || "login() needs userId and hash as text");
    }
    try {
      const { userId, hash, name = null, email = null } = claims;
      if (!this.connected) throw new ApiError(400, "not connected, call start() first");
      this.remember(await this.line.send("identify", { user_id: userId, hash, name, email }));
      if (claims.phone) custom.phone = claims.phone;
      if (Object.keys(custom).length) this.keep(custom, undefined);
      finish(done);
    } catch (error) {
      if (error instanceof ApiError) this.refused(done, error.status, error.code);
      else this.refused(done, 500, String(error));
    }
  }

  /** @param {Callback | undefined} done @param {number} status @param {string} why */
  refused(done, status, why) {
    console.error(`[tawk sandbox] ${status}: ${why}`);
    finish(done, `${status}: ${why}`);
  }

  /**
   * The user's conversation stays with the user; this browser goes on as a new anonymous visitor.
   * @param {Callback} [done]
   */
  async logout(done) {
    try {
      if (this.line.view) {
        const view = await this.line.send("leave", { page: location.pathname });
        this.agentJoined = false;
        this.remember(view);
        // Attributes cannot be taken back within one page load, so the next visitor of this page has them too.
        if (Object.keys(this.attributes).length) this.line.tell("attributes", { attributes: this.attributes });
      }
      finish(done);
    } catch (error) {
      this.refused(done, 500, String(error));
    }
  }

  /** @param {unknown} options @param {Callback} [done] */
  async switchWidget(options, done) {
    const { propertyId, widgetId } = /** @type {Record<string, any>} */ (options || {});
    if (!propertyId || !widgetId || propertyId !== this.line.view?.account) return finish(done, "SERVER_ERROR");
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

  /** @param {import("./panel.js").Message} message */
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

  /** @param {import("./panel.js").Message} message */
  ended(message) {
    this.fire("ChatMessageSystem", message.text);
    if (this.agentJoined) this.fire("AgentLeaveChat", { name: AGENT.name, id: AGENT.id });
    this.agentJoined = false;
    this.started = false;
    this.fire("ChatEnded");
  }

  /** @param {import("./panel.js").Status} status */
  statusChanged(status) {
    this.draw();
    this.fire("StatusChange", status);
  }

  draw() {
    this.panel.show(!this.hidden);
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

/** @param {Callback | undefined} done @param {string} [error] Callbacks never run before the call has returned. */
function finish(done, error) {
  if (typeof done === "function") queueMicrotask(() => call(done, error));
}

/** @param {string} api */
export function start(api) {
  page.Tawk_API = page.Tawk_API || {};
  if (page.$_Tawk && page.$_Tawk.init) return; // a second run of the script does nothing
  page.$_Tawk = { init: true };
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const [, account = "", widget = "default"] = /\/([0-9a-f]{24})\/([a-z0-9]{1,50})$/i.exec(script ? script.src : "") || [];
  page.$_Tawk_AccountKey = account;
  page.$_Tawk_WidgetId = widget;
  page.$_Tawk_Unstable = false;
  const load = () => {
    new Tawk(api, account).load().catch((error) => console.error("[tawk sandbox] did not start:", error));
  };
  if (document.readyState === "complete") load();
  else addEventListener("load", load, { once: true });
}
