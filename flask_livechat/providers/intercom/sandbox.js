import { ApiError, Line, Panel, baseDomain, call, dropCookie, dropStorage, expose, page, randomId, readCookie, whenLost,
  writeCookie, writeStorage } from "../../sandbox/panel.js";

/**
 * Intercom's stand-in: the loader with its frame, the `Intercom` function, boot, update, shutdown, identity with
 * enforcement on.
 *
 * It behaves as the vendor's own scripts of 2022-02 do, the newest frame that could be run (2026-11); loaders of 2024
 * agree. What is documented and newer, as `ready`, is taken from the documents, read 2026-11.
 */

const WEEK = 604800; // seconds
const NINE_MONTHS = 23328000; // seconds
const MAX_PINGS = 20; // boots and updates together; one beyond these is dropped …
const WINDOW_MS = 30 * 60 * 1000; // … until so many milliseconds have passed
const SAME_MS = 60000; // in which the same is not told again of the same address
const STYLED = "#intercom-container { --intercom-styled: yes; }"; // stands for all of the messenger's rules
const STATE = "intercom.intercom-state"; // in localStorage
const SPACES = ["home", "messages", "help", "news", "tasks", "tickets"];
const CRAWLERS = /bot|googlebot|crawler|spider|robot|crawling|facebookexternalhit/i;
const IDENTITY = ["user_id", "email", "user_hash", "intercom_user_jwt"];
/** Settings that are neither the visitor's nor custom attributes. */
const LOOKS = ["app_id", "api_base", "hide_default_launcher", "custom_launcher_selector", "alignment", "vertical_padding",
  "horizontal_padding", "z_index", "hide_notifications", "theme_mode", "messenger_style_id", "session_duration",
  "action_color", "background_color", "link_color", "language_override", "page_title", "last_request_at", "auth_tokens",
  "installation_type"];
/** Before a visit of these libraries the messenger is shut down, before a page is cached its frame goes, after a visit it comes. */
const VISIT = ["turbo:visit", "turbolinks:visit", "page:before-change"];
const BEFORE_CACHE = ["turbo:before-cache", "turbolinks:before-cache"];
const LOAD = ["turbo:load", "turbolinks:load", "page:change"];

/** @typedef {Record<string, any>} Settings */
/**
 * `ready`: whether the method of that name is known, as the documents say; the script of 2022 does not know it.
 * `limit`: how many pings there may be in 30 minutes: 20 in the documents, 30 in the script of 2022.
 * @typedef {{ready?: boolean, limit?: number}} Variant
 */

let boots = 0; // in this page

/** The small script of the vendor's: a stub that queues, a frame that holds the messenger, and Turbo's events. */
class Loader {
  /** @param {string} api @param {Variant} variant */
  constructor(api, variant) {
    this.api = api;
    this.variant = variant;
    /** @type {Intercom | null} */
    this.messenger = null;
  }

  listen() {
    for (const name of LOAD) document.addEventListener(name, () => this.start());
    for (const name of BEFORE_CACHE) document.addEventListener(name, () => this.removeFrame());
    for (const name of VISIT) document.addEventListener(name, () => this.leave());
  }

  start() {
    if (page.Intercom && page.Intercom.booted) return;
    this.stub();
    this.addFrame();
    page.Intercom.booted = true;
  }

  stub() {
    if (page.Intercom) return;
    page.Intercom = (/** @type {any[]} */ ...args) => void page.Intercom.q.push(args);
    page.Intercom.q = [];
  }

  /** The messenger's script runs in the frame, a while after the frame is there, and ends with it. */
  addFrame() {
    const frame = document.createElement("iframe");
    frame.id = "intercom-frame";
    frame.title = "Intercom";
    frame.hidden = true;
    document.body.append(frame);
    const { contentWindow } = frame;
    whenLost(frame, () => this.frameLost(frame));
    setTimeout(() => {
      if (frame.isConnected && frame.contentWindow === contentWindow) this.run(frame);
    });
  }

  /** @param {HTMLIFrameElement} frame */
  run(frame) {
    this.messenger = new Intercom(this.api, this.variant, frame);
    const calls = (page.Intercom.q || []).map((/** @type {ArrayLike<any>} */ args) => Array.from(args));
    this.messenger.install();
    // Settings alone are enough, but a page that queued its own boot or shutdown knows better.
    const decided = calls.some((/** @type {any[]} */ [name]) => name === "boot" || name === "shutdown");
    const settings = page.intercomSettings;
    if (!decided && settings && settings.app_id) this.messenger.run("boot", [settings]);
    for (const [name, ...args] of calls) this.messenger.run(name, args);
  }

  /** @param {HTMLIFrameElement} frame */
  frameLost(frame) {
    if (this.messenger?.frame === frame) this.messenger.die();
  }

  removeFrame() {
    const frame = /** @type {HTMLIFrameElement | null} */ (document.getElementById("intercom-frame"));
    if (!frame) return;
    frame.remove();
    this.frameLost(frame);
  }

  leave() {
    page.Intercom("shutdown", false);
    delete page.Intercom;
    this.removeFrame();
    this.stub();
  }
}

class Intercom {
  /** @param {string} api @param {Variant} variant @param {HTMLIFrameElement} frame */
  constructor(api, variant, frame) {
    this.variant = variant;
    this.frame = frame;
    this.dead = false; // its frame is gone
    this.life = 0; // ended by a shutdown; what began in an earlier one does not go on
    this.line = new Line(api, {
      message: (message) => this.heard(message),
      status: () => this.draw(),
      changed: () => this.draw(),
      reading: () => this.shown,
      lost: () => this.reboot(),
    });
    this.panel = new Panel({
      vendor: "intercom", marks: { class: "intercom-lightweight-app" }, frame: "", title: "Intercom", brand: "#1f2a44",
      head: "linear-gradient(160deg, #1f2a44, #3a4a70)", round: "16px", rating: "stars", zIndex: 2147483001, x: 20, y: 20,
      launched: () => (this.shown ? this.hide() : this.show()),
      closed: () => this.hide(),
      said: (text) => this.line.tell("message", { text }),
      rated: (value) => this.line.tell("rating", { value }),
    });
    /** @type {HTMLElement | null} */
    this.css = null;
    /** @type {Settings} */
    this.settings = {};
    this.booted = false;
    this.shown = false;
    this.opens = 0;
    this.unread = 0;
    /** @type {Promise<unknown> | null} Commands run in order, each when the one before is done. */
    this.queue = null;
    /** @type {number[]} When there were pings. */
    this.pings = [];
    /** @type {Map<string, number>} What was told, and when. */
    this.told = new Map();
    this.callbacks = noCallbacks();
    /** @type {{name: string, data: unknown}[]} */
    this.events = [];
    this.listening = new AbortController();
    document.addEventListener("click", (event) => this.clicked(event), { signal: this.listening.signal });
    expose("intercom", this.line, this.panel, () => ({ events: this.events.map((event) => ({ ...event })), opened: this.opens,
      booted: this.booted, pings: this.pings.length, boots, styled: this.styled }));
  }

  /** Whether the rules that place the open messenger are there. */
  get styled() {
    return !this.css || getComputedStyle(this.panel.root).getPropertyValue("--intercom-styled") === "yes";
  }

  install() {
    page.Intercom = (/** @type {string} */ name, /** @type {any[]} */ ...args) => this.run(name, args);
    page.Intercom.q = [];
    page.Intercom.booted = true;
  }

  /** Without its frame the messenger is gone, and the function that the page may still call does nothing. */
  die() {
    this.dead = true;
    this.booted = false;
    this.life += 1;
    this.line.end();
    this.listening.abort();
    this.removeElements();
  }

  // -- the Intercom function -----------------------------------------------------------------------------------

  /** @param {string} name @param {any[]} args */
  run(name, args) {
    if (this.dead) return undefined;
    if (name === "shutdown") return this.shutdown(args[0] !== false);
    if (name === "getVisitorId") return this.visitorId();
    if (name === "ready" && this.variant.ready === false) return undefined;
    if (name in this.callbacks) return this.subscribe(name, args[0]);
    const command = this.commands()[name];
    if (!command) return undefined; // methods that are not known are ignored, and nothing says so
    const { life } = this;
    const act = async () => {
      if (life !== this.life || (name !== "boot" && !this.booted)) return;
      await command(...args);
    };
    const done = this.queue ? this.queue.then(act) : act(); // at once, where nothing is under way
    const queue = done.catch((error) => {
      if (life === this.life) this.complain(error);
    }).then(() => {
      if (queue === this.queue) this.queue = null;
    });
    this.queue = queue;
    return undefined;
  }

  /** @returns {Record<string, (...args: any[]) => unknown>} */
  commands() {
    const opens = (/** @type {string} */ what) => (/** @type {unknown} */ id) => this.opening(`${what} ${String(id)}`);
    return {
      boot: (settings) => this.boot(settings || page.intercomSettings || {}),
      update: (settings) => this.update(settings),
      show: () => this.show(),
      hide: () => this.hide(),
      showMessages: () => this.show(),
      showSpace: (space) => (SPACES.includes(space) ? this.opening(`Space: ${space}`) : undefined),
      showNewMessage: (text) => this.newMessage(text),
      startConversation: (text) => this.newConversation(text),
      trackEvent: (name, data) => this.track(name, data),
      hideNotifications: (hidden) => this.dress({ hide_notifications: hidden === true }),
      startTour: (id) => this.tour(id),
      startSurvey: (id) => this.panel.note(`Survey ${String(id)} would start here`),
      startChecklist: (id) => this.panel.note(`Checklist ${String(id)} would start here`),
      showArticle: opens("Article"),
      showNews: opens("News"),
      showTicket: opens("Ticket"),
      showConversation: opens("Conversation"),
      setAuthTokens: () => undefined,
      onActivatorClick: () => undefined,
    };
  }

  /** @param {string} name @param {unknown} callback */
  subscribe(name, callback) {
    if (typeof callback !== "function") return console.error(`[Intercom sandbox] ${name} takes a function`);
    if (name === "ready" && this.booted) return queueMicrotask(() => call(callback));
    this.callbacks[name].push(callback);
    if (name === "onUnreadCountChange") call(callback, this.unread); // at once, and on each change
    return undefined;
  }

  /** @param {string} name @param {unknown[]} args */
  fire(name, ...args) {
    for (const callback of this.callbacks[name]) call(callback, ...args);
  }

  /** @param {unknown} error */
  complain(error) {
    if (error instanceof ApiError && error.status === 403) this.shutdown(true); // the session is destroyed
    if (error instanceof ApiError && error.status === 404 && error.code === "unknown_account") return; // silent, as theirs
    if (error instanceof ApiError) console.error(`[Intercom sandbox] ${error.status} ${error.code}`);
    else console.error("[Intercom sandbox]", error);
  }

  // -- the session ---------------------------------------------------------------------------------------------

  /** @param {string} kind */
  cookie(kind) {
    return `intercom-${kind}-${this.settings.app_id}`;
  }

  /** Whether one more boot or update is sent. How things look is not sent, and counts for nothing. @param {Settings} settings */
  mayPing(settings) {
    const now = Date.now();
    const { limit = MAX_PINGS } = this.variant;
    const told = JSON.stringify([location.href, Object.entries(settings).filter(([key]) => !LOOKS.includes(key))]);
    if (now - (this.told.get(told) ?? -SAME_MS) < SAME_MS) return false;
    this.pings = this.pings.filter((at) => now - at < WINDOW_MS);
    if (this.pings.length >= limit) {
      console.warn(`[Intercom sandbox] dropped: more than ${limit} boots and updates in 30 minutes`);
      return false;
    }
    this.told.set(told, now);
    this.pings.push(now);
    return true;
  }

  /** @param {Settings} settings */
  async boot(settings) {
    if (!settings.app_id) return; // silent
    if (this.booted) {
      // A second boot is how a fresh token is handed over. The user may not change that way.
      await this.update(settings);
      return;
    }
    if (!this.mayPing(settings)) return;
    boots += 1;
    this.settings = { ...settings };
    const { life } = this;
    const view = await this.line.ask({
      account: String(settings.app_id),
      anonymous: readCookie(this.cookie("id")) || null,
      session: readCookie(this.cookie("session")) || null,
      identity: claims(settings),
    }, "ping");
    if (this.dead) return;
    this.writeState(view); // also when the session has ended meanwhile: the answer comes into the store all the same
    if (life !== this.life) return;
    this.line.begin(view);
    this.line.listen();
    this.booted = true;
    this.remember(view);
    this.dress(this.settings);
    this.panel.mount();
    await this.describe(settings);
    this.draw();
    for (const callback of this.callbacks.ready.splice(0)) call(callback);
  }

  /** @param {import("../../sandbox/panel.js").View} view What is known of the visitor, at each change of it. */
  writeState(view) {
    const state = JSON.stringify({ user: { role: isUser(view) ? "user_role" : "visitor_role", email: view.identity.email },
      session: view.session, conversations: this.line.messages.length });
    writeStorage("localStorage", STATE, state);
    if (page.intercomSettings?.app_id) writeStorage("localStorage", `${STATE}-${page.intercomSettings.app_id}`, state);
  }

  /** The server has forgotten us: begin again, with what the page told us. */
  reboot() {
    if (!this.booted) return;
    this.booted = false;
    this.run("boot", [this.settings]);
  }

  /** @param {import("../../sandbox/panel.js").View} view */
  remember(view) {
    const domain = baseDomain();
    const anonymous = readCookie(this.cookie("id")) || (isUser(view) ? randomId() : view.session);
    writeCookie(this.cookie("id"), anonymous, { domain, seconds: NINE_MONTHS });
    const device = readCookie(this.cookie("device-id")) || randomId();
    writeCookie(this.cookie("device-id"), device, { domain, seconds: NINE_MONTHS });
    if (isUser(view)) writeCookie(this.cookie("session"), view.session, { domain, seconds: WEEK });
  }

  /** @param {Settings} [settings] How things look changes at once, although nothing may be told. */
  async update(settings = {}) {
    this.settings = { ...this.settings, ...settings };
    this.dress(settings);
    if (!this.mayPing(settings)) return;
    if (IDENTITY.some((name) => settings[name])) {
      const { life } = this;
      const view = await this.line.send("ping", claims(settings));
      this.writeState(view);
      if (life !== this.life) return; // no cookie comes after a shutdown
      this.remember(view);
    }
    await this.describe(settings);
    await this.line.send("visit", { page: location.pathname });
  }

  /** @param {Settings} settings Everything that is neither identity nor looks is an attribute. */
  async describe(settings) {
    /** @type {Record<string, unknown>} */
    const attributes = {};
    for (const [key, value] of Object.entries(settings)) {
      if ([...IDENTITY, ...LOOKS, "name"].includes(key) || value === undefined) continue;
      attributes[key] = value && typeof value === "object" ? JSON.stringify(value) : value;
    }
    if (Object.keys(attributes).length) await this.line.send("attributes", { attributes });
  }

  /**
   * End the session at once: what waits, listeners and the count of pings go with it, so the next boot begins anew.
   * @param {boolean} forget whether cookies and storage go, too; that of the device stays
   */
  shutdown(forget) {
    this.life += 1;
    this.queue = null;
    if (forget) this.forget();
    this.booted = false;
    this.shown = false;
    this.line.end();
    this.settings = {};
    this.events = [];
    this.pings = [];
    this.told.clear();
    this.callbacks = noCallbacks();
    this.draw();
    this.removeElements();
    this.panel.prefill("");
  }

  /** Before a boot there is nothing to forget: what theirs does then is not documented, so a page must not rely on it. */
  forget() {
    const { app_id: app } = this.settings;
    if (!app) return;
    for (const name of [this.cookie("id"), this.cookie("session"), "intercom-id"]) dropCookie(name, baseDomain());
    dropStorage("localStorage", STATE);
    dropStorage("localStorage", `${STATE}-${app}`);
  }

  visitorId() {
    if (!this.booted) return undefined;
    return this.line.identity.id || readCookie(this.cookie("id"));
  }

  /** @param {string} name @param {unknown} data */
  async track(name, data) {
    if (typeof name !== "string" || !name) throw new Error("trackEvent needs a name");
    this.events.push({ name, data: data || {} });
    const plain = data && typeof data === "object" ? Object.entries(data) : [];
    await this.line.send("event", { name, data: Object.fromEntries(plain.map(([key, value]) => [
      key, value && typeof value === "object" ? JSON.stringify(value) : value])) });
  }

  // -- the messenger -------------------------------------------------------------------------------------------

  /** @param {Settings} settings */
  dress(settings) {
    const all = { ...this.settings, ...settings };
    this.settings = all;
    this.panel.showLauncher(all.hide_default_launcher !== true);
    const inset = (/** @type {unknown} */ value) => Math.max(20, Number(value) || 20);
    const corner = all.alignment === "left" ? "bl" : "br"; // anything else is right
    const mobile = innerWidth <= 640; // the paddings do not count there
    this.panel.place(corner, mobile ? 20 : inset(all.horizontal_padding), mobile ? 20 : inset(all.vertical_padding));
    if (Number.isInteger(all.z_index)) this.panel.zIndex(all.z_index);
    const dark = all.theme_mode === "dark"
      || (all.theme_mode === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.panel.host.dataset.theme = dark ? "dark" : "light";
    this.draw();
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const selector = this.settings.custom_launcher_selector;
    if (!this.booted || !selector || !(event.target instanceof Element)) return;
    try {
      if (event.target.closest(selector)) this.show();
    } catch {
      // not a selector: nothing to click on
    }
  }

  show() {
    if (this.shown || !this.booted) return;
    this.shown = true;
    this.opens += 1;
    this.grow();
    this.draw();
    this.fire("onShow");
    this.line.markRead();
  }

  hide() {
    if (!this.shown) return;
    this.shown = false;
    this.draw();
    this.fire("onHide");
  }

  /** The first opening puts the whole messenger in the place of the light launcher, with frames, and with styles apart. */
  grow() {
    if (this.css) return;
    const { root } = this.panel;
    root.id = "intercom-container";
    root.className = "intercom-namespace";
    this.panel.addFrame("Intercom live chat");
    this.css = document.createElement("div");
    this.css.id = "intercom-css-container";
    const style = document.createElement("style");
    this.css.append(style);
    document.body.append(this.css);
    // Put in by script, so a move of the element, by moveBefore, too, empties it.
    style.sheet?.insertRule(STYLED);
  }

  removeElements() {
    const { root } = this.panel;
    this.panel.remove();
    this.panel.dropFrame();
    root.removeAttribute("id");
    root.className = "intercom-lightweight-app";
    this.css?.remove();
    this.css = null;
  }

  /** @param {import("../../sandbox/panel.js").Message} message */
  heard(message) {
    if (message.author === "agent") writeStorage("sessionStorage", "intercom.played-notifications", String(message.n));
  }

  /** @param {unknown} text */
  newMessage(text) {
    if (typeof text === "string") this.panel.prefill(text);
    this.show();
  }

  /** @param {unknown} text Sent at once, as the visitor. */
  async newConversation(text) {
    this.show();
    if (typeof text === "string" && text) await this.line.send("message", { text });
  }

  /** @param {string} note */
  opening(note) {
    this.show();
    this.panel.note(note);
  }

  /** @param {unknown} id Tours never run on mobile web; they are seen in the page, not in the panel. */
  async tour(id) {
    if (innerWidth <= 640) return;
    writeStorage("sessionStorage", `intercom.tour_${String(id)}`, "1");
    await this.track("sandbox tour", { id: String(id) });
    this.panel.note(`Tour ${String(id)} would start here`);
  }

  draw() {
    this.panel.style(this.styled);
    if (this.booted && this.line.view) this.writeState(this.line.view);
    this.panel.toggle(this.shown);
    this.panel.status(this.line.status);
    this.panel.who(this.line.identity);
    const unread = this.line.unread;
    this.panel.unread(this.settings.hide_notifications === true ? 0 : unread);
    this.panel.messages(this.line.session, this.line.messages, "Hi! Ask us anything, we are happy to help.");
    this.panel.rate(this.line.view ? this.line.view.rating : null);
    if (unread !== this.unread) {
      this.unread = unread;
      this.fire("onUnreadCountChange", unread);
    }
  }
}

/** @param {import("../../sandbox/panel.js").View} view */
function isUser(view) {
  return Boolean(view.identity.id || view.identity.email);
}

/** @param {Settings} settings Numbers are accepted where Intercom reads text. */
function claims(settings) {
  const text = (/** @type {unknown} */ value) => (value === undefined || value === null || value === "" ? null : String(value));
  return { user_id: text(settings.user_id), email: text(settings.email), name: text(settings.name),
    user_hash: text(settings.user_hash), jwt: text(settings.intercom_user_jwt) };
}

/** @returns {Record<string, unknown[]>} */
function noCallbacks() {
  return { onShow: [], onHide: [], onUnreadCountChange: [], onUserEmailSupplied: [], ready: [] };
}

/** @param {string} api @param {Variant} [variant] */
export function start(api, variant = {}) {
  if (CRAWLERS.test(navigator.userAgent) || page.isIntercomMessengerSheet || (page.Intercom && page.Intercom.booted)) return;
  const loader = new Loader(api, variant);
  loader.start();
  loader.listen();
}
