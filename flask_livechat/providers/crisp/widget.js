/**
 * Crisp's adapter (facts as of 2026-11). Everything goes through one queue, so the order here is the order there.
 *
 * @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.Ears} core @returns {LiveChat.Room}
 */
function room(vendor, core) {
  let started = false;
  let over = false;
  let resetting = false;
  /** @type {() => void} */
  let reset = () => {};

  /** @param {any[]} command */
  const push = (...command) => void window.$crisp.push(command);

  /** @param {LiveChat.Page} page */
  function start(page) {
    if (started) return;
    started = true;
    window.$crisp = window.$crisp || [];
    window.CRISP_WEBSITE_ID = vendor.settings.website_id;
    if (vendor.domain) window.CRISP_COOKIE_DOMAIN = vendor.domain;
    // Before the script, because it binds the session as soon as it arrives.
    if (page.proof && page.proof.token) window.CRISP_TOKEN_ID = page.proof.token;
    if (page.settings.locale) window.CRISP_RUNTIME_CONFIG = Object.assign({}, window.CRISP_RUNTIME_CONFIG, { locale: page.settings.locale });
    const before = window.CRISP_READY_TRIGGER;
    window.CRISP_READY_TRIGGER = () => {
      if (typeof before === "function") before();
      core.ready();
    };
    push("safe", true); // wrong data must not throw into the page
    configure(page.settings);
    listen();
    say(page);
  }

  /** @param {LiveChat.Looks} looks */
  function configure(looks) {
    if (looks.position.side === "left") push("config", "position:reverse", [true]);
    if (looks.mobile === "hide") push("config", "hide:on:mobile", [true]);
    if (looks.offline === "hide") push("config", "hide:on:away", [true]);
    if (!core.vendorLauncher()) push("do", "chat:hide");
  }

  function listen() {
    push("on", "session:loaded", () => {
      reset();
      if (resetting) return;
      core.ready();
      unread();
    });
    push("on", "chat:opened", () => core.report("open"));
    push("on", "chat:closed", () => {
      core.report("close");
      if (!core.vendorLauncher()) push("do", "chat:hide");
    });
    push("on", "message:sent", () => core.report("message", { author: "visitor" }));
    push("on", "message:received", () => {
      core.report("message", { author: "agent" });
      unread();
    });
    push("on", "website:availability:changed", (/** @type {boolean} */ there) => core.report("status", { status: there ? "online" : "away" }));
  }

  /** The count is not reported, it is asked for. Crisp counts a message before or after it tells: hence the pause. */
  function unread() {
    setTimeout(() => core.safely(() => core.report("unread", { count: window.$crisp.get("chat:unread:count") || 0 })));
  }

  /** @param {LiveChat.Page} page */
  function say({ visitor, proof, context }) {
    if (visitor) {
      const { email, name, phone, avatar, company, segments } = visitor;
      if (email) push("set", "user:email", proof && proof.email ? [email, proof.email] : [email]);
      if (name) push("set", "user:nickname", [name]);
      if (phone) push("set", "user:phone", [phone]);
      if (avatar) push("set", "user:avatar", [avatar]);
      if (company && company.name) push("set", "user:company", company.website ? [company.name, { url: company.website }] : [company.name]);
      if (segments) push("set", "session:segments", [segments, false]);
      data(details(visitor));
    }
    data(context);
  }

  /** @param {LiveChat.Visitor} visitor @returns {LiveChat.Meta} */
  function details({ id, created_at: since, attributes }) {
    const own = id === undefined ? {} : { user_id: id };
    return Object.assign(own, since === undefined ? {} : { created_at: new Date(since * 1000).toISOString().slice(0, 10) }, attributes);
  }

  /** Keys in lower case with "_" and "-"; values text, number or boolean. @param {LiveChat.Meta} values */
  function data(values) {
    const pairs = Object.entries(values)
      .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
      .map(([key, value]) => [key.toLowerCase().replace(/[^a-z0-9_-]+/g, "_"), value]);
    if (pairs.length) push("set", "session:data", [pairs]);
  }

  /** The token first, for the reset reads it again; then wait for the new session.
   * @param {string | null} token @returns {Promise<void>} */
  function begin(token) {
    window.CRISP_TOKEN_ID = token;
    resetting = true;
    const gone = new Promise((/** @type {(value?: undefined) => void} */ done) => { reset = done; });
    push("do", "session:reset", [false]);
    return gone.then(() => { resetting = false; });
  }

  return {
    start,
    async identify(page) {
      // A session that goes on keeps its conversation. After an end the next visitor's own is bound, or a new one begun:
      // the cookie of the one that the end left was swept, so no next page would know it.
      if (over) {
        await begin((page.proof && page.proof.token) || null);
        if (core.vendorLauncher()) push("do", "chat:show");
      }
      over = false;
      say(page);
    },
    open(text) {
      if (text) push("set", "message:text", [text]);
      push("do", "chat:show");
      push("do", "chat:open");
      core.report("unread", { count: 0 });
    },
    close: () => push("do", "chat:close"),
    show: () => push("do", "chat:show"),
    hide: () => push("do", "chat:hide"),
    track: (name, meta) => push("set", "session:event", [[[name, meta, "blue"]]]),
    update: data,
    tour: () => core.unsupported("tour"),
    article: (slug) => push("do", "helpdesk:article:open", [document.documentElement.lang.slice(0, 2) || "en", String(slug)]),
    end() {
      over = true;
      // Not arrived yet: what waits for it says who the visitor was.
      const waiting = window.$crisp;
      if (Array.isArray(waiting)) waiting.splice(0, waiting.length, ...waiting.filter(([verb]) => verb !== "set"));
      push("do", "chat:close");
      push("do", "chat:hide");
      return begin(null);
    },
  };
}
