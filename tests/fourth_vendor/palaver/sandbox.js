import { Line, Panel, expose, page, readCookie, writeCookie } from "../../sandbox/panel.js";

/** Palaver's stand-in: `window.palaver`, which does nothing until `run`. */
class Palaver {
  /** @param {string} api */
  constructor(api) {
    /** @type {Record<string, (value?: unknown) => void>} */
    this.listeners = {};
    this.opened = false;
    this.opens = 0;
    this.hidden = false;
    this.cookie = "";
    this.line = new Line(api, {
      message: (message) => this.fire("message", message.author),
      status: (status) => this.fire("status", status),
      changed: () => this.draw(),
      reading: () => this.opened,
      lost: () => location.reload(),
    });
    this.panel = new Panel({
      vendor: "palaver", marks: { class: "palaver-holder" }, frame: "", title: "Palaver", brand: "#6b2fa0",
      head: "#6b2fa0", round: "50%", rating: "stars", zIndex: 2147483000, x: 20, y: 20,
      launched: () => (this.opened ? this.close() : this.open()),
      closed: () => this.close(),
      said: (text) => this.line.tell("message", { text }),
      rated: () => undefined,
    });
    expose("palaver", this.line, this.panel, () => ({ opened: this.opens }));
  }

  /** @param {string} name @param {(value?: unknown) => void} listener */
  on(name, listener) {
    this.listeners[name] = listener;
  }

  /** @param {{token: string, side: "left" | "right"}} options */
  async run({ token, side }) {
    this.cookie = `palaver_${token}`;
    this.panel.place(side === "left" ? "bl" : "br", 20, 20);
    this.line.begin(await this.line.ask({ account: token, session: readCookie(this.cookie) }));
    await this.line.connect();
    this.panel.mount();
    this.draw();
    this.fire("ready");
  }

  /** @param {Record<string, any>} visitor */
  identify({ id, hash, email, name, attributes }) {
    this.line.tell("identify", { user_id: id, hash, email, name });
    if (attributes) this.describe(attributes);
  }

  /** @param {Record<string, unknown>} attributes */
  describe(attributes) {
    this.line.tell("attributes", { attributes });
  }

  /** @param {string} [text] */
  open(text) {
    this.opened = true;
    if (text) this.panel.prefill(text);
    if (!this.panel.isOpen) this.opens += 1;
    this.line.markRead();
    this.draw();
    this.fire("open");
  }

  close() {
    this.opened = false;
    this.draw();
    this.fire("close");
  }

  /** @param {boolean} shown */
  show(shown) {
    this.hidden = !shown;
    this.draw();
  }

  status() {
    return this.line.status;
  }

  /** The browser forgets its conversation. */
  reset() {
    this.line.end();
    writeCookie(this.cookie, "", { seconds: 0 });
    this.panel.remove();
  }

  /** @param {string} name @param {unknown} [value] */
  fire(name, value) {
    this.listeners[name]?.(value);
  }

  draw() {
    const { line, panel } = this;
    if (line.session) writeCookie(this.cookie, line.session);
    panel.show(!this.hidden);
    panel.toggle(this.opened);
    panel.status(line.status);
    panel.who(line.identity);
    panel.unread(line.unread);
    panel.messages(line.session, line.messages, "How can we help?");
    this.fire("unread", line.unread);
  }
}

/** @param {string} api */
export function start(api) {
  page.palaver = page.palaver || new Palaver(api);
}
