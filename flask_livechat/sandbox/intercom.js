import { ApiError, Line, Panel, baseDomain, call, dropCookie, expose, hasRun, page, randomId, readCookie, writeCookie } from "./panel.js";

/**
 * Intercom's stand-in: the `Intercom` function, boot, update, shutdown, identity with enforcement on.
 * Facts are those of the project's notes on Intercom, 2026-11.
 */

const WEEK = 604800; // seconds
const NINE_MONTHS = 23328000; // seconds
const UPDATES = 20; // an update beyond these is dropped …
const WINDOW = 30 * 60 * 1000; // … until so many milliseconds have passed
const SPACES = ["home", "messages", "help", "news", "tasks", "tickets"];
const CRAWLERS = /bot|googlebot|crawler|spider|robot|crawling|facebookexternalhit/i;
const WHO = ["user_id", "email", "user_hash", "intercom_user_jwt"];
/** Settings that are neither the visitor's nor custom attributes. */
const LOOKS = ["app_id", "api_base", "hide_default_launcher", "custom_launcher_selector", "alignment", "vertical_padding",
  "horizontal_padding", "z_index", "hide_notifications", "theme_mode", "messenger_style_id", "session_duration",
  "action_color", "background_color", "link_color", "language_override", "page_title", "last_request_at", "auth_tokens",
  "installation_type"];

/** @typedef {Record<string, any>} Settings */

class Intercom {
  /** @param {string} api */
  constructor(api) {
    this.line = new Line(api, {
      message: () => undefined,
      status: () => this.draw(),
      changed: () => this.draw(),
      reading: () => this.shown,
      lost: () => this.reboot(),
    });
    this.panel = new Panel({
      vendor: "intercom", marks: { class: "intercom-lightweight-app" }, frame: "", title: "Intercom", brand: "#1f2a44", head: "linear-gradient(160deg, #1f2a44, #3a4a70)", round: "16px",
      rating: "stars", zIndex: 2147483001, x: 20, y: 20,
      launched: () => (this.shown ? this.hide() : this.show()),
      closed: () => this.hide(),
      said: (text) => this.line.tell("message", { text }),
      rated: (value) => this.line.tell("rating", { value }),
    });
    /** @type {Settings} */
    this.settings = {};
    this.booted = false;
    this.shown = false;
    this.opens = 0;
    this.unread = 0;
    this.boots = 0;
    /** @type {Promise<unknown>} Commands run in order, each when the one before is done. */
    this.queue = Promise.resolve();
    /** @type {number[]} */
    this.updates = [];
    /** @type {Record<string, unknown[]>} */
    this.callbacks = { onShow: [], onHide: [], onUnreadCountChange: [], onUserEmailSupplied: [], ready: [] };
    /** @type {{name: string, data: unknown}[]} */
    this.events = [];
    document.addEventListener("click", (event) => this.clicked(event));
    expose("intercom", this.line, this.panel, () => ({ events: this.events.map((event) => ({ ...event })),
      opened: this.opens, booted: this.booted, updates: this.updates.length, boots: this.boots }));
  }

  // -- the Intercom function -----------------------------------------------------------------------------------

  /** @param {string} name @param {any[]} args */
  run(name, args) {
    if (name === "getVisitorId") return this.visitorId();
    if (name in this.callbacks) return this.subscribe(name, args[0]);
    const command = this.commands()[name];
    if (!command) return console.warn(`[Intercom sandbox] unknown method ${String(name)}`);
    // The page may be left before the queue gets there; what keeps the user logged in goes at once.
    if (name === "shutdown") this.forget();
    this.queue = this.queue.then(async () => {
      if (name === "shutdown" || name === "boot") return command(...args);
      if (!this.booted) return console.warn(`[Intercom sandbox] ${name} before boot does nothing`);
      return command(...args);
    }).catch((error) => this.complain(error));
    return undefined;
  }

  /** @returns {Record<string, (...args: any[]) => unknown>} */
  commands() {
    const opens = (/** @type {string} */ what) => (/** @type {unknown} */ id) => this.opening(`${what} ${String(id)}`);
    return {
      boot: (settings) => this.boot(settings || page.intercomSettings || {}),
      update: (settings) => this.update(settings),
      shutdown: () => this.shutdown(),
      show: () => this.show(),
      hide: () => this.hide(),
      showMessages: () => this.show(),
      showSpace: (space) => (SPACES.includes(space) ? this.opening(`Space: ${space}`) : undefined),
      showNewMessage: (text) => this.newMessage(text),
      startConversation: (text) => this.newConversation(text),
      trackEvent: (name, data) => this.track(name, data),
      hideNotifications: (hidden) => this.dress({ hide_notifications: hidden === true }),
      startTour: (id) => this.tour(id),
      startSurvey: opens("Survey"),
      startChecklist: opens("Checklist"),
      showArticle: opens("Article"),
      showNews: opens("News"),
      showTicket: opens("Ticket"),
      showConversation: opens("Conversation"),
      setAuthTokens: () => undefined,
      onActivatorClick: () => undefined,
      reattach_activator: () => this.panel.mount(), // after a page replaced its body
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
    if (error instanceof ApiError && error.status === 404 && error.code === "unknown_account") return; // silent, as theirs
    if (error instanceof ApiError) console.error(`[Intercom sandbox] ${error.status} ${error.code}`);
    else console.error("[Intercom sandbox]", error);
  }

  // -- the session ---------------------------------------------------------------------------------------------

  /** @param {string} kind */
  cookie(kind) {
    return `intercom-${kind}-${this.settings.app_id}`;
  }

  /** @param {Settings} settings */
  async boot(settings) {
    if (!settings.app_id) return; // silent
    if (this.booted) {
      // A second boot is how a fresh token is handed over. The user may not change that way.
      await this.apply(settings);
      return;
    }
    this.boots += 1;
    this.settings = { ...settings };
    const view = await this.line.open({
      account: String(settings.app_id),
      anonymous: readCookie(this.cookie("id")) || null,
      session: readCookie(this.cookie("session")) || null,
      identity: claims(settings),
    });
    this.booted = true;
    this.remember(view);
    this.dress(this.settings);
    this.panel.mount();
    await this.describe(settings);
    this.draw();
    for (const callback of this.callbacks.ready.splice(0)) call(callback);
  }

  /** The server has forgotten us: begin again, with what the page told us. */
  reboot() {
    if (!this.booted) return;
    this.booted = false;
    this.run("boot", [this.settings]);
  }

  /** @param {import("./panel.js").View} view */
  remember(view) {
    const domain = baseDomain();
    const anonymous = readCookie(this.cookie("id")) || (isUser(view) ? randomId() : view.session);
    writeCookie(this.cookie("id"), anonymous, { domain, seconds: NINE_MONTHS });
    const device = readCookie(this.cookie("device-id")) || randomId();
    writeCookie(this.cookie("device-id"), device, { domain, seconds: NINE_MONTHS });
    if (isUser(view)) writeCookie(this.cookie("session"), view.session, { domain, seconds: WEEK });
  }

  /** @param {Settings} [settings] */
  async update(settings) {
    const now = Date.now();
    this.updates = this.updates.filter((at) => now - at < WINDOW);
    if (this.updates.length >= UPDATES) {
      console.warn(`[Intercom sandbox] update dropped: more than ${UPDATES} in 30 minutes`);
      return;
    }
    this.updates.push(now);
    await this.apply(settings || {});
  }

  /** @param {Settings} settings */
  async apply(settings) {
    if (WHO.some((name) => settings[name])) this.remember(await this.line.send("identify", claims(settings)));
    this.settings = { ...this.settings, ...settings };
    this.dress(settings);
    await this.describe(settings);
    await this.line.send("visit", { page: location.pathname });
  }

  /** @param {Settings} settings Everything that is neither identity nor looks is an attribute. */
  async describe(settings) {
    /** @type {Record<string, unknown>} */
    const attributes = {};
    for (const [key, value] of Object.entries(settings)) {
      if ([...WHO, ...LOOKS, "name"].includes(key) || value === undefined) continue;
      attributes[key] = value && typeof value === "object" ? JSON.stringify(value) : value;
    }
    if (Object.keys(attributes).length) await this.line.send("attributes", { attributes });
  }

  /** Ends the session on this browser. The anonymous id stays, whose conversation it is is forgotten. */
  async shutdown() {
    await this.line.last;
    this.line.stop();
    this.forget();
    if (this.shown) this.hide();
    this.booted = false;
    this.line.view = null;
    this.line.messages = [];
    this.settings = {};
    this.events = [];
    this.draw();
    this.panel.remove();
    this.panel.prefill("");
  }

  /** Before a boot there is nothing to forget: what theirs does then is not documented, so a page must not rely on it. */
  forget() {
    if (this.settings.app_id) dropCookie(this.cookie("session"), baseDomain());
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
    await this.track("sandbox tour", { id: String(id) });
    this.panel.note(`Tour ${String(id)} would start here`);
  }

  draw() {
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

/** @param {import("./panel.js").View} view */
function isUser(view) {
  return Boolean(view.identity.id || view.identity.email);
}

/** @param {Settings} settings Numbers are accepted where Intercom reads text. */
function claims(settings) {
  const text = (/** @type {unknown} */ value) => (value === undefined || value === null || value === "" ? null : String(value));
  return { user_id: text(settings.user_id), email: text(settings.email), name: text(settings.name),
    user_hash: text(settings.user_hash), jwt: text(settings.intercom_user_jwt) };
}

/** @param {string} api */
export function start(api) {
  if (CRAWLERS.test(navigator.userAgent)) return;
  if (hasRun("intercom")) return; // the script ran before
  const stub = page.Intercom;
  const queued = stub && Array.isArray(stub.q) ? stub.q : [];
  const messenger = new Intercom(api);
  page.Intercom = (/** @type {string} */ name, /** @type {any[]} */ ...args) => messenger.run(name, args);
  page.Intercom.q = [];
  const calls = queued.map((/** @type {ArrayLike<any>} */ args) => Array.from(args));
  // Settings alone are enough, but a page that queued its own boot knows better.
  const boots = calls.some((/** @type {any[]} */ [name]) => name === "boot");
  if (!boots && page.intercomSettings && page.intercomSettings.app_id) messenger.run("boot", [page.intercomSettings]);
  for (const [name, ...args] of calls) messenger.run(name, args);
}
