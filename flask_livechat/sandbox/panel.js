/**
 * What all stand-ins share: the line to the sandbox's API, cookies, and the visible launcher and panel.
 * Development and tests only. The server joins this file and a vendor's into one plain script.
 *
 * @typedef {{n: number, author: "visitor" | "agent" | "system", text: string, at: number}} Message
 * @typedef {{state: "anonymous" | "verified" | "unverified" | "refused", id: string | null, email: string | null,
 *   name: string | null, reason: string}} Identity
 * @typedef {"online" | "away" | "offline"} Status
 * @typedef {{session: string, account: string, revision: number, status: Status, identity: Identity,
 *   attributes: Record<string, unknown>, tags: string[], messages: Message[], read: number, rating: number | null,
 *   ongoing: boolean}} View
 * @typedef {{message(message: Message): void, status(status: Status): void, changed(): void, lost(): void,
 *   reading(): boolean}} Listener `reading`: whether the visitor has the messages before their eyes
 */

/** The window, for the vendors' globals, which no type declares. */
export const page = /** @type {Record<string, any>} */ (/** @type {unknown} */ (window));

const WAIT = 20; // seconds the server may hold a long-poll: one line in its log each
const QUIET = 5000; // milliseconds to wait after a poll that failed or came back at once with nothing

/** An answer that is not 2xx. `code` is the server's word for it. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code */
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** One conversation with the sandbox's server: what is sent leaves in order, what is new arrives by long-poll. */
export class Line {
  /** @param {string} api @param {Listener} listener */
  constructor(api, listener) {
    this.api = api;
    this.listener = listener;
    /** @type {View | null} */
    this.view = null;
    /** @type {Message[]} */
    this.messages = [];
    /** @type {Promise<unknown>} */
    this.last = Promise.resolve();
    /** @type {AbortController | null} */
    this.polling = null;
    document.addEventListener("visibilitychange", () => this.pauseWhileHidden());
    // A page in the back/forward cache must not hold a request; it polls again when it is shown.
    addEventListener("pagehide", () => this.pause());
    addEventListener("pageshow", () => this.pauseWhileHidden());
    this.wanted = false;
    this.stops = 0;
    this.epoch = 0;
    this.path = location.pathname;
  }

  /** The session's key, "" before there is one. */
  get session() {
    return this.view ? this.view.session : "";
  }

  /** @returns {Status} */
  get status() {
    return this.view ? this.view.status : "offline";
  }

  /** @returns {Identity} */
  get identity() {
    return this.view ? this.view.identity : { state: "anonymous", id: null, email: null, name: null, reason: "" };
  }

  /** Messages of agents the visitor has not seen. */
  get unread() {
    const read = this.view ? this.view.read : 0;
    return this.messages.filter((message) => message.author === "agent" && message.n > read).length;
  }

  /**
   * Ask for a session, a new or an old one; the vendor's rules decide which. Nothing changes here until begin().
   * @param {Record<string, unknown>} body @param {string} action the vendor's own name for asking
   * @returns {Promise<View>}
   */
  ask(body, action = "session") {
    this.path = location.pathname;
    return this.post(action, { ...body, page: this.path });
  }

  /** @param {View} view The session to go on with, replacing any other. */
  begin(view) {
    this.pause(); // a poll under way asks about the session before
    this.view = view;
    this.messages = view.messages;
    this.listener.changed();
    this.pauseWhileHidden();
  }

  /**
   * Open the socket of the session: here a question that may be refused, and then the long-poll.
   * @returns {Promise<boolean>} whether it is open; it is not, when stop() was called meanwhile
   */
  async connect() {
    const { stops } = this;
    await this.post("socket", { session: this.session });
    if (stops !== this.stops) return false;
    this.listen();
    return true;
  }

  /** Whether the socket is open. */
  get connected() {
    return this.wanted && this.view !== null;
  }

  /**
   * Report something about this session, after everything reported before it.
   * @param {string} action @param {Record<string, unknown>} body
   * @returns {Promise<View>}
   */
  send(action, body = {}) {
    const { epoch } = this;
    const sent = this.last.then(async () => {
      if (epoch !== this.epoch) throw new Error("the session has ended");
      await this.moved();
      const { session } = this;
      const view = await this.post(action, { ...body, session });
      // Another session may have begun here meanwhile, or none be left; or the server has moved us to another one.
      if (view.session === this.session) this.take(view);
      else if (session === this.session && epoch === this.epoch) this.begin(view);
      return view;
    });
    this.last = sent.catch(() => undefined);
    return sent;
  }

  /** Pages swapped without a reload: the vendors notice by themselves. */
  async moved() {
    if (location.pathname === this.path || !this.view) return;
    this.path = location.pathname;
    await this.post("visit", { page: this.path, session: this.session });
  }

  /**
   * Like send, for things nobody waits for: a failure is only said in the console.
   * @param {string} action @param {Record<string, unknown>} body
   */
  tell(action, body = {}) {
    this.send(action, body).catch((error) => console.warn(`[sandbox] ${action}: ${error.message}`));
  }

  /** @param {string} action @param {Record<string, unknown>} body @returns {Promise<View>} */
  async post(action, body) {
    const response = await fetch(`${this.api}/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      keepalive: true, // the last event of a page leaves although the page does
    });
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new ApiError(response.status, String(answer?.error || response.status));
    if (!answer) throw new TypeError("the page was left before the answer was here");
    return answer;
  }

  /** Start hearing news. */
  listen() {
    this.wanted = true;
    this.pauseWhileHidden();
  }

  /** Stop hearing news, until listen(). */
  stop() {
    this.stops += 1;
    this.wanted = false;
    this.pause();
  }

  /** Close the socket and forget the session. What still waits is not sent any more. */
  end() {
    this.stop();
    this.epoch += 1;
    this.last = Promise.resolve();
    this.view = null;
    this.messages = [];
  }

  pause() {
    if (this.polling) this.polling.abort();
    this.polling = null;
  }

  pauseWhileHidden() {
    if (document.hidden || !this.wanted) this.pause();
    else if (!this.polling && this.view) this.poll(new AbortController());
  }

  /** @param {AbortController} controller */
  async poll(controller) {
    this.polling = controller;
    while (!controller.signal.aborted && this.view) {
      const asked = Date.now();
      const { revision, status } = this.view;
      const query = new URLSearchParams({ session: this.session, after: String(revision), wait: String(WAIT) });
      const view = await this.news(query, controller.signal);
      if (controller.signal.aborted) return;
      if (view) this.take(view);
      // A failure, or a server with too many waiting that answers at once: do not ask it again and again.
      const idle = !view || (view.messages.length === 0 && this.view.status === status);
      if (idle && Date.now() - asked < 1000) await new Promise((resolve) => setTimeout(resolve, QUIET));
    }
  }

  /** @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<View | null>} */
  async news(query, signal) {
    try {
      const response = await fetch(`${this.api}/messages?${query}`, { signal });
      if (response.status === 404) {
        // The development server was restarted and has forgotten us.
        this.stop();
        this.listener.lost();
        return null;
      }
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  /** @param {View} view News about the session we have. */
  take(view) {
    if (!this.view || view.session !== this.session) return;
    // Answers to a post and to the poll may cross: the newer one counts, and a message is never shown twice.
    const newer = view.revision >= this.view.revision;
    const status = this.view.status;
    const known = new Set(this.messages.map((message) => message.n));
    const fresh = view.messages.filter((message) => !known.has(message.n));
    this.messages = [...this.messages, ...fresh].sort((a, b) => a.n - b.n);
    const read = Math.max(view.read, this.view.read);
    if (newer) this.view = { ...view, account: view.account || this.view.account, messages: [], read };
    // What comes into an open panel is read as it comes: it never counts as unread.
    if (fresh.length && this.listener.reading()) this.markRead();
    this.listener.changed();
    if (newer && view.status !== status) this.listener.status(view.status);
    for (const message of fresh) this.listener.message(message);
  }

  /** The visitor has seen everything. */
  markRead() {
    if (!this.view || this.unread === 0) return;
    const upto = Math.max(...this.messages.map((message) => message.n));
    this.view = { ...this.view, read: upto };
    this.tell("read", { upto });
    this.listener.changed();
  }
}

/** A random id; `crypto.randomUUID` is missing on plain http. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// -- cookies -------------------------------------------------------------------------------------------------------

/** @param {string} name @returns {string} "" when there is none */
export function readCookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? found.slice(name.length + 1) : "";
}

/**
 * Set a first-party cookie as the vendors do.
 * @param {string} name @param {string} value already encoded
 * @param {{domain?: string, seconds?: number}} options no seconds: until the browser closes
 */
export function writeCookie(name, value, { domain = "", seconds = undefined } = {}) {
  const parts = [`${name}=${value}`, "Path=/", "SameSite=Lax"];
  if (domain) parts.push(`Domain=${domain}`);
  if (seconds !== undefined) parts.push(`Max-Age=${seconds}`);
  if (location.protocol === "https:") parts.push("Secure");
  document.cookie = parts.join("; ");
}

/** @param {string} name @param {string} domain Forget a cookie, host-only and on its domain. */
export function dropCookie(name, domain = "") {
  writeCookie(name, "", { seconds: 0 });
  if (domain) writeCookie(name, "", { domain, seconds: 0 });
}

/** The widest domain this page may set cookies on; "" for localhost and addresses, where only host-only ones work. */
export function baseDomain() {
  const labels = location.hostname.split(".");
  if (labels.length < 2 || /^[\d.]+$|:/.test(location.hostname)) return "";
  // Which suffixes are public is the browser's knowledge: try, from the widest.
  for (let count = 2; count <= labels.length; count += 1) {
    const domain = labels.slice(-count).join(".");
    writeCookie("livechat_probe", "1", { domain });
    const works = readCookie("livechat_probe") === "1";
    dropCookie("livechat_probe", domain);
    if (works) return domain;
  }
  return "";
}

// -- storage: blocked in some pages, and full in others --------------------------------------------------------------

/** @typedef {"localStorage" | "sessionStorage"} Kind */

/** @param {Kind} kind @param {string} key @returns {string} "" when there is none */
export function readStorage(kind, key) {
  try {
    return window[kind].getItem(key) || "";
  } catch {
    return "";
  }
}

/** @param {Kind} kind @param {string} key @param {string} value */
export function writeStorage(kind, key, value) {
  try {
    window[kind].setItem(key, value);
  } catch {
    // What would stand there is known to this page alone.
  }
}

/** @param {Kind} kind @param {string} key */
export function dropStorage(kind, key) {
  try {
    window[kind].removeItem(key);
  } catch {
    // Nothing can have been written.
  }
}

// -- the visible part ----------------------------------------------------------------------------------------------

const STYLE = `
:host { all: initial; position: fixed; z-index: var(--z, 2147483000); color-scheme: light;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
:host([data-hidden]) { display: none; }
:host([data-unstyled]), :host([data-unstyled]) :is(.panel, .launcher) { position: static; z-index: auto; }
*, *::before, *::after { box-sizing: border-box; }
:host { --lit: #b54708; --ink: #1d2330; --soft: #667085; --paper: #fff; --well: #f5f6f8; --line: #e4e7ec; }
:host([data-theme="dark"]) { --lit: #fdb022; --ink: #f2f4f7; --soft: #98a2b3; --paper: #1f2430; --well: #171b24; --line: #333b4a; }
button { font: inherit; color: inherit; border: 0; background: none; cursor: pointer; padding: 0; }
button:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
textarea:focus-visible { outline: 2px solid var(--focus); outline-offset: -1px; }
.launcher { position: fixed; width: 58px; height: 58px; border-radius: var(--round); background: var(--brand);
  color: var(--on-brand); box-shadow: 0 6px 20px rgb(16 24 40 / .28); display: grid; place-items: center;
  transition: transform .15s ease; }
.launcher:hover { transform: scale(1.06); }
.launcher svg { width: 28px; height: 28px; }
.launcher[hidden], .panel[hidden], [hidden] { display: none !important; }
.badge { position: absolute; top: -4px; right: -4px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
  background: #d92d20; color: #fff; font-size: 12px; font-weight: 700; line-height: 22px; text-align: center;
  box-shadow: 0 0 0 2px #fff; }
.launcher, .panel { inset: auto; }
:host([data-v="b"]) .launcher { bottom: var(--y); }
:host([data-v="c"]) .launcher { top: calc(50% - 29px); }
:host([data-v="t"]) .launcher { top: var(--y); }
:host([data-h="r"]) .launcher, :host([data-h="r"]) .panel { right: var(--x); }
:host([data-h="l"]) .launcher, :host([data-h="l"]) .panel { left: var(--x); }
:host([data-v="b"]) .panel { bottom: calc(var(--y) + 72px); }
:host([data-v="c"]) .panel { top: calc(50% - 280px); }
:host([data-v="t"]) .panel { top: calc(var(--y) + 72px); }
:host([data-launcher="none"][data-v="b"]) .panel { bottom: var(--y); }
:host([data-launcher="none"][data-v="t"]) .panel { top: var(--y); }
.panel { position: fixed; display: flex; flex-direction: column; width: 368px; max-width: calc(100vw - 20px);
  height: 560px; max-height: calc(100vh - 110px); border-radius: 16px; overflow: hidden; background: var(--paper);
  color: var(--ink); box-shadow: 0 12px 48px rgb(16 24 40 / .28); animation: rise .16s ease-out; }
@keyframes rise { from { opacity: 0; transform: translateY(10px); } }
@media (prefers-reduced-motion: reduce) { .panel { animation: none; } .launcher { transition: none; } }
header { background: var(--head); color: var(--on-brand); padding: 14px 14px 12px 18px; flex: none; }
.bar { display: flex; align-items: center; gap: 8px; }
h2 { font-size: 17px; font-weight: 650; margin: 0; flex: 1; letter-spacing: -.01em; }
.sandbox { font-size: 11px; font-weight: 600; letter-spacing: .04em; padding: 2px 8px; border-radius: 10px;
  border: 1px dashed currentColor; }
.close { width: 32px; height: 32px; border-radius: 8px; display: grid; place-items: center; }
.close:hover { background: rgb(255 255 255 / .18); }
.close svg { width: 18px; height: 18px; }
.status { display: flex; align-items: center; gap: 7px; font-size: 13px; margin-top: 2px; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: #32d583; box-shadow: 0 0 0 2px rgb(255 255 255 / .35); }
.dot[data-status="away"] { background: #fdb022; }
.dot[data-status="offline"] { background: #98a2b3; }
.who { display: flex; align-items: center; gap: 8px; padding: 9px 18px; font-size: 13px; color: var(--soft); flex: none;
  border-bottom: 1px solid var(--line); background: var(--paper); min-height: 40px; }
.who strong { color: var(--ink); font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.mark { margin-left: auto; flex: none; padding: 2px 9px; border-radius: 10px; font-size: 12px; font-weight: 600;
  background: var(--well); color: var(--soft); }
.mark[data-state="verified"] { background: #d1fadf; color: #05603a; }
.mark[data-state="unverified"] { background: #fef0c7; color: #7a2e0e; }
.mark[data-state="refused"] { background: #fee4e2; color: #912018; }
.log { flex: 1; overflow-y: auto; padding: 16px 14px; background: var(--well); display: flex; flex-direction: column;
  gap: 8px; margin: 0; overscroll-behavior: contain; }
.line { max-width: 80%; padding: 9px 13px; border-radius: 16px; white-space: pre-wrap; overflow-wrap: anywhere; }
.line[data-author="agent"] { align-self: flex-start; background: var(--paper); border: 1px solid var(--line);
  border-bottom-left-radius: 5px; }
.line[data-author="visitor"] { align-self: flex-end; background: var(--brand); color: var(--on-brand);
  border-bottom-right-radius: 5px; }
.line[data-author="system"] { align-self: center; max-width: 92%; background: none; color: var(--soft); font-size: 13px;
  text-align: center; padding: 4px; }
:host([data-theme="dark"]) :is(.line[data-author="visitor"], .send, .launcher) { background: #3f5c9a; }
.rate { display: flex; align-items: center; justify-content: flex-end; gap: 4px; padding: 6px 12px 0; font-size: 12px;
  color: var(--soft); background: var(--paper); flex: none; border-top: 1px solid var(--line); }
.rate span { margin-right: auto; }
.rate button { width: 30px; height: 28px; border-radius: 8px; display: grid; place-items: center; opacity: .55; }
.rate button:hover { background: var(--well); opacity: 1; }
.rate button.lit { opacity: 1; color: var(--lit); }
.rate button[data-value="-1"] svg { transform: rotate(180deg); }
.rate svg { width: 17px; height: 17px; }
form { display: flex; align-items: flex-end; gap: 8px; padding: 8px 12px 12px; background: var(--paper); flex: none; }
textarea { flex: 1; font: inherit; color: var(--ink); background: var(--well); border: 1px solid var(--line);
  border-radius: 12px; padding: 9px 12px; resize: none; height: 42px; max-height: 120px; field-sizing: content; }
textarea::placeholder { color: var(--soft); }
.send { width: 42px; height: 42px; border-radius: 12px; background: var(--brand); color: var(--on-brand);
  display: grid; place-items: center; flex: none; }
.send svg { width: 20px; height: 20px; }
@media (max-width: 640px) {
  :host([data-mobile="hide"]) { display: none; }
  .panel { left: 10px !important; right: 10px !important; width: auto; }
}
`;

const ICONS = {
  chat: "M12 3C6.5 3 2 6.8 2 11.5c0 2.5 1.3 4.8 3.4 6.3L4.6 21.6l4.3-2c1 .3 2 .4 3.1.4 5.5 0 10-3.8 10-8.5S17.5 3 12 3Z",
  close: "M5.3 4 4 5.3 10.7 12 4 18.7 5.3 20l6.7-6.7 6.7 6.7 1.3-1.3-6.7-6.7L20 5.3 18.7 4 12 10.7Z",
  star: "m12 2.5 2.9 6.3 6.8.8-5 4.6 1.3 6.7-6-3.4-6 3.4 1.3-6.7-5-4.6 6.8-.8Z",
  thumb: "M2 10h4v11H2ZM8 10l4-8c1.7 0 2.7 1.3 2.3 3l-.8 3.5H20c1.3 0 2.2 1.2 1.9 2.4l-2.1 8.3c-.3 1.1-1.2 1.8-2.3 1.8H8Z",
  send: "M3 20.5 21.5 12 3 3.5v6.6l12 1.9-12 1.9Z",
};

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string>} attributes @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {keyof typeof ICONS} name */
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["fill", "currentColor"], ["aria-hidden", "true"]]) {
    svg.setAttribute(key, value);
  }
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * `marks`: the attributes by which the vendor's element is known. `frame`: the title of the frame in it, "" for none.
 *
 * @typedef {{vendor: string, marks: Record<string, string>, frame: string, title: string, brand: string, head: string, round: string, rating: "thumbs" | "stars",
 *   zIndex: number, x: number, y: number, side?: "left" | "right",
 *   launched(): void, closed(): void, said(text: string): void, rated(value: number): void}} Look
 */

/** The launcher and the panel. It shows what it is told and reports what the visitor does; it decides nothing. */
export class Panel {
  /** @param {Look} look */
  constructor(look) {
    this.look = look;
    /** What the vendor's script puts into the page. The visible part stands in it, beside the frame that it has. */
    this.root = element("div", look.marks);
    /** @type {HTMLIFrameElement | null} */
    this.frame = null;
    this.host = element("div", { id: `livechat-sandbox-${look.vendor}` });
    this.root.append(this.host);
    if (look.frame) this.addFrame(look.frame);
    this.shadow = this.host.attachShadow({ mode: "open" });
    this.shadow.adoptedStyleSheets = [stylesheet()]; // a constructed sheet is not inline style: a strict CSP holds
    this.mounted = false;
    this.dead = false; // the frame has lost what it held
    this.badge = element("span", { class: "badge", hidden: "" });
    this.launcher = element("button", { class: "launcher", type: "button", "aria-expanded": "false",
      "aria-controls": "panel" }, icon("chat"), this.badge);
    this.title = element("h2", { id: "title" }, look.title);
    this.dot = element("span", { class: "dot" });
    this.statusText = element("span");
    this.whoName = element("strong");
    this.mark = element("span", { class: "mark" });
    this.log = element("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "Messages", tabindex: "0" });
    this.composer = element("textarea", { rows: "1", "aria-label": "Message", placeholder: "Write a message…" });
    this.rating = this.ratingRow();
    this.panel = this.panelElement();
    this.shadow.append(this.panel, this.launcher);
    this.session = "";
    /** @type {Element | null} */
    this.before = null;
    this.place("br", look.x, look.y);
    this.zIndex(look.zIndex);
    const css = this.host.style; // through the CSSOM, which a CSP does not forbid
    css.setProperty("--brand", look.brand);
    css.setProperty("--head", look.head);
    css.setProperty("--on-brand", "#fff");
    css.setProperty("--focus", "#84adff");
    css.setProperty("--round", look.round);
    this.listen();
    this.unread(0);
  }

  panelElement() {
    const close = element("button", { class: "close", type: "button", "aria-label": "Close chat" }, icon("close"));
    close.addEventListener("click", () => this.look.closed());
    const send = element("button", { class: "send", type: "submit", "aria-label": "Send" }, icon("send"));
    this.form = element("form", {}, this.composer, send);
    const label = element("span", { class: "sandbox", title: "A stand-in for development, not the real service" }, "Sandbox");
    return element("section", { class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", hidden: "" },
      element("header", {}, element("div", { class: "bar" }, this.title, label, close),
        element("div", { class: "status" }, this.dot, this.statusText)),
      element("div", { class: "who" }, this.whoName, this.mark),
      this.log, this.rating, this.form);
  }

  ratingRow() {
    const row = element("div", { class: "rate", role: "group", "aria-label": "Rate this conversation", hidden: "" },
      element("span", {}, "Rate this conversation"));
    const thumbs = this.look.rating === "thumbs";
    for (const value of thumbs ? [1, -1] : [1, 2, 3, 4, 5]) {
      const name = thumbs ? { "1": "Good", "-1": "Bad" }[String(value)] : `${value} of 5`;
      const button = element("button", { type: "button", "aria-label": String(name), "data-value": String(value),
        "aria-pressed": "false" }, icon(thumbs ? "thumb" : "star"));
      button.addEventListener("click", () => this.look.rated(value));
      row.append(button);
    }
    return row;
  }

  listen() {
    this.launcher.addEventListener("click", () => this.look.launched());
    this.host.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isOpen) this.look.closed();
    });
    this.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.composer.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
  }

  submit() {
    const text = this.composer.value.trim();
    if (!text) return;
    this.composer.value = "";
    this.look.said(text);
  }

  mount() {
    if (!document.body) {
      document.addEventListener("DOMContentLoaded", () => this.mount(), { once: true });
      return;
    }
    if (this.root.isConnected || this.dead) return;
    this.mounted = true;
    document.body.append(this.root);
    this.watchFrame();
  }

  /** @param {string} title The frame holds nothing here, but is lost as theirs are. */
  addFrame(title) {
    this.frame = element("iframe", { title, hidden: "" });
    this.root.prepend(this.frame);
    if (this.root.isConnected) this.watchFrame();
  }

  watchFrame() {
    const { frame } = this;
    if (frame) whenLost(frame, () => frame === this.frame && this.mounted && this.die());
  }

  dropFrame() {
    const { frame } = this;
    this.frame = null;
    frame?.remove();
  }

  remove() {
    this.mounted = false;
    this.root.remove();
    this.toggle(false);
  }

  /** A frame that was moved as other elements are is loaded anew and empty: nothing is seen of the widget again. */
  die() {
    this.dead = true;
    this.remove();
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** Whether the visitor sees any of it. */
  get isVisible() {
    return this.host.isConnected && getComputedStyle(this.host).display !== "none";
  }

  /** @param {boolean} open */
  toggle(open) {
    if (open === this.isOpen) return;
    const hadFocus = this.shadow.activeElement !== null;
    if (open) this.before = document.activeElement;
    this.panel.hidden = !open;
    this.launcher.setAttribute("aria-expanded", String(open));
    if (open) {
      this.composer.focus();
      this.log.scrollTop = this.log.scrollHeight;
    } else if (hadFocus) {
      this.giveFocusBack();
    }
  }

  /** To what had it when the panel opened: our launcher, or a button of the page. */
  giveFocusBack() {
    const { before } = this;
    if (before instanceof HTMLElement && before !== this.host && before !== document.body) before.focus();
    else if (!this.launcher.hidden) this.launcher.focus();
  }

  /** @param {boolean} shown The whole widget. */
  show(shown) {
    this.host.toggleAttribute("data-hidden", !shown);
  }

  /** Whether the rules that place the widget are there. @param {boolean} styled */
  style(styled) {
    this.host.toggleAttribute("data-unstyled", !styled);
  }

  /** @param {boolean} shown Only the launcher. */
  showLauncher(shown) {
    this.launcher.hidden = !shown;
    this.host.dataset.launcher = shown ? "own" : "none";
  }

  /** @param {boolean} hidden */
  hideOnMobile(hidden) {
    this.host.dataset.mobile = hidden ? "hide" : "show";
  }

  /** @param {string} corner `br bl cr cl tr tl` @param {number | string} x @param {number | string} y pixels */
  place(corner, x, y) {
    this.corner = corner;
    this.host.dataset.v = corner[0];
    this.host.dataset.h = corner[1];
    this.host.style.setProperty("--x", pixels(x));
    this.host.style.setProperty("--y", pixels(y));
  }

  /** @param {number | string} value */
  zIndex(value) {
    this.host.style.setProperty("--z", String(parseInt(String(value), 10)));
  }

  /** @param {number} count */
  unread(count) {
    this.badge.hidden = count === 0;
    this.badge.textContent = count > 99 ? "99+" : String(count);
    this.launcher.setAttribute("aria-label", count ? `Chat, ${count} unread` : "Chat");
  }

  /** @param {string} text */
  prefill(text) {
    this.composer.value = text;
  }

  /** @param {Status} status */
  status(status) {
    this.dot.dataset.status = status;
    this.statusText.textContent = { online: "We are online", away: "We are away", offline: "We are offline" }[status];
  }

  /** @param {Identity} identity */
  who(identity) {
    const somebody = identity.name || identity.email || identity.id;
    this.whoName.textContent = somebody ? String(somebody) : "Anonymous visitor";
    this.mark.dataset.state = identity.state;
    this.mark.textContent = { anonymous: "anonymous", verified: "✓ verified", unverified: "unverified",
      refused: "identity refused" }[identity.state];
    this.mark.title = identity.reason;
  }

  /** @param {string} session @param {Message[]} messages @param {string} greeting */
  messages(session, messages, greeting) {
    const wasAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    const shown = new Set([...this.log.querySelectorAll("[data-n]")].map((line) => line.getAttribute("data-n")));
    if (session !== this.session || !shown.has("0")) {
      this.session = session;
      this.log.replaceChildren();
      shown.clear();
      this.line({ n: 0, author: "agent", text: greeting });
    }
    for (const message of messages) if (!shown.has(String(message.n))) this.line(message);
    this.rating.hidden = !messages.some((message) => message.author === "agent");
    if (wasAtEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  /** @param {{n: number, author: string, text: string}} message */
  line(message) {
    this.log.append(element("div", { class: "line", "data-author": message.author, "data-n": String(message.n) },
      message.text));
  }

  /** @param {string} text Something only this page shows: an article, a tour. */
  note(text) {
    this.log.append(element("div", { class: "line", "data-author": "system" }, text));
    this.log.scrollTop = this.log.scrollHeight;
  }

  /** @param {number | null} value */
  rate(value) {
    for (const button of this.rating.querySelectorAll("button")) {
      const mine = Number(button.dataset.value);
      button.setAttribute("aria-pressed", String(mine === value));
      button.classList.toggle("lit", value !== null && (mine === value || (mine > 0 && mine < value)));
    }
  }
}

/**
 * Call `lost` when a frame loses what it holds: it has left the document, or was moved in it without moveBefore.
 * @param {HTMLIFrameElement} frame in the document @param {() => void} lost
 */
export function whenLost(frame, lost) {
  const { contentWindow } = frame;
  try {
    // The page itself may be left, too, and come back: then the frame still holds the same window.
    contentWindow?.addEventListener("pagehide", () => queueMicrotask(() => {
      if (frame.contentWindow !== contentWindow) lost();
    }));
  } catch {
    // The page is sandboxed: it may not look into its own frames.
  }
}

/** @type {CSSStyleSheet | undefined} */
let sheet;

function stylesheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}

/** @param {number | string} value `20`, `"20"` or `"20px"` */
function pixels(value) {
  const number = parseFloat(String(value));
  return `${Number.isFinite(number) ? number : 20}px`;
}

/**
 * Run a page's callback: its exception is the page's business and must not stop us, nor be lost.
 * @param {unknown} callback @param {unknown[]} args
 */
export function call(callback, ...args) {
  if (typeof callback !== "function") return;
  try {
    callback(...args);
  } catch (error) {
    reportError(error);
  }
}

/**
 * `window.__livechat_sandbox`: a read-only look at what the vendor would know. For tests and the curious, never for pages.
 * `window.__livechat_sandboxes` has the same as a function for each vendor that ran in this page.
 * @param {string} vendor @param {Line} line @param {Panel} panel @param {() => Record<string, unknown>} more
 */
export function expose(vendor, line, panel, more) {
  const snapshot = () => {
    const { state, ...who } = line.identity;
    return {
      vendor,
      session: line.session,
      identity: { ...who, state, verified: state === "verified" },
      attributes: { ...(line.view ? line.view.attributes : {}) },
      tags: [...(line.view ? line.view.tags : [])],
      messages: line.messages.map(({ author, text }) => ({ from: author, text })),
      unread: line.unread,
      status: line.status,
      connected: line.connected,
      open: panel.isOpen && panel.isVisible,
      visible: panel.isVisible,
      launcher: panel.isVisible && !panel.launcher.hidden,
      ...more(),
    };
  };
  page.__livechat_sandboxes = { ...page.__livechat_sandboxes, [vendor]: snapshot };
  Object.defineProperty(window, "__livechat_sandbox", { configurable: true, get: snapshot });
}
