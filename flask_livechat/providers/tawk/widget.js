/**
 * Tawk.to's adapter (facts as of 2026-11). `visitor` is read once, before load; `login` needs the loaded widget.
 *
 * @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.Ears} core @returns {LiveChat.Room}
 */
function room(vendor, core) {
  /** @type {LiveChat.Page} */
  let page;
  let started = false;
  let here = false;
  let over = false;
  /** A login under way must be over before a logout: answered in the wrong order, the login would stand. */
  let login = Promise.resolve();
  /** Names of attributes that were sent: 50 in all is the most. @type {Set<string>} */
  const names = new Set();
  const api = () => window.Tawk_API;

  /** @param {LiveChat.Page} current */
  function start(current) {
    page = current;
    if (started) return;
    started = true;
    window.Tawk_API = window.Tawk_API || {};
    window.Tawk_LoadStart = new Date();
    const { visitor, proof } = page;
    if (visitor && visitor.email) api().visitor = trim({ name: visitor.name, email: visitor.email, hash: proof && proof.email });
    api().customStyle = Object.assign({}, api().customStyle, { visibility: visibility(page.settings.position) });
    listen();
  }

  /** @param {LiveChat.Position} position */
  function visibility(position) {
    const corner = position.side === "left" ? "bl" : "br";
    return {
      desktop: { position: corner, xOffset: position.x, yOffset: position.y },
      mobile: { position: corner, xOffset: position.mobile_x, yOffset: position.mobile_y },
    };
  }

  /** The window events, not the callbacks: a site's own callbacks stay as they are. */
  function listen() {
    on("Load", loaded);
    on("ChatMaximized", () => core.report("open"));
    for (const name of ["ChatMinimized", "ChatHidden"]) {
      on(name, () => {
        core.report("close");
        if (!core.vendorLauncher()) api().hideWidget();
      });
    }
    on("ChatMessageVisitor", () => core.report("message", { author: "visitor" }));
    on("ChatMessageAgent", () => core.report("message", { author: "agent" }));
    on("StatusChange", (status) => core.report("status", { status }));
    on("ChatSatisfaction", (score) => core.report("rating", { rating: score, scale: "-1..1" }));
    on("UnreadCountChanged", (count) => core.report("unread", { count: Number(count) || 0 }));
  }

  /** @param {string} name @param {(detail: any) => void} then */
  function on(name, then) {
    window.addEventListener(`tawk${name}`, (event) => core.safely(() => then(/** @type {CustomEvent} */ (event).detail)));
  }

  /** Some builds are reported not to announce themselves: look for the methods, too. */
  function poll() {
    const timer = setInterval(() => {
      if (api().onLoaded === true || typeof api().showWidget === "function") {
        clearInterval(timer);
        core.safely(loaded);
      }
    }, 250);
  }

  function loaded() {
    if (here) return;
    here = true;
    if (over) return core.ready(); // the core knows that it has ended, and ends what has come now
    if (!core.vendorLauncher()) api().hideWidget();
    core.report("status", { status: api().getStatus() });
    core.ready();
    identify();
  }

  /** `login` brings back past conversations, and takes the attributes; without a hash of the id there is no login. */
  function identify() {
    const { visitor, proof, context } = page;
    const extra = details(visitor);
    if (!visitor || !proof || !proof.id || typeof api().login !== "function") return attach(Object.assign(extra, context));
    Object.keys(extra).forEach((name) => names.add(name));
    const said = { hash: proof.id, userId: visitor.id, name: visitor.name, email: visitor.email, phone: visitor.phone };
    login = new Promise((done) => api().login(trim(Object.assign(extra, said)), (/** @type {unknown} */ error) => {
      done();
      if (error) core.warn(`Tawk.to refused the login (${String(error)}). Is Secure Mode on, and the key this property's?`);
      if (over) return;
      attach(context);
      if (visitor.segments) api().addTags(visitor.segments.slice(0, 10), complain("tags"));
    }));
  }

  /** @param {LiveChat.Visitor | null} visitor @returns {LiveChat.Meta} */
  function details(visitor) {
    if (!visitor) return {};
    const since = visitor.created_at && new Date(visitor.created_at * 1000).toISOString().slice(0, 10);
    return trim(Object.assign({}, visitor.attributes, { company: visitor.company && visitor.company.name, "created-at": since }));
  }

  /** @param {LiveChat.Meta} attributes @returns {boolean} */
  function attach(attributes) {
    const fitted = within(fit(attributes));
    if (Object.keys(fitted).length) api().setAttributes(fitted, complain("attributes"));
    return true;
  }

  /** One too many and Tawk.to refuses the whole call: what is new beyond 50 stays here.
   * @template T @param {Record<string, T>} attributes @returns {Record<string, T>} */
  function within(attributes) {
    return Object.fromEntries(Object.entries(attributes).filter(([name]) => names.has(name) || (names.size < 50 && names.add(name))));
  }

  /** Keys alphanumeric and "-", values text of 1 to 255 characters. @param {LiveChat.Meta} attributes */
  function fit(attributes) {
    /** @type {Record<string, string>} */
    const fitted = {};
    for (const [key, value] of Object.entries(attributes)) {
      const text = value == null ? "" : String(value).slice(0, 255);
      if (text && !["name", "email", "hash"].includes(dashed(key))) fitted[dashed(key)] = text;
    }
    return fitted;
  }

  /** @param {string} name */
  function dashed(name) {
    return name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  }

  /** @param {string} what */
  function complain(what) {
    return (/** @type {unknown} */ error) => { if (error) core.warn(`Tawk.to refused the ${what}: ${String(error)}`); };
  }

  /** Logout before shutdown: a socket that is shut cannot log out. */
  async function leave() {
    const tawk = api();
    if (tawk.isChatOngoing()) tawk.endChat();
    tawk.hideWidget();
    await login;
    return new Promise((/** @type {(value?: undefined) => void} */ done) => {
      const shut = () => {
        tawk.shutdown();
        done();
      };
      if (typeof tawk.logout === "function") tawk.logout(shut);
      else shut();
    });
  }

  return {
    start,
    loaded: poll,
    /** Not after an end: `visitor` and attributes stick until the page is loaded anew. */
    identify(current) {
      if (over) return false;
      page = current;
      identify();
    },
    open(text) {
      if (text) core.unsupported("a prefilled message");
      api().showWidget();
      api().maximize();
    },
    close: () => api().minimize(),
    show: () => api().showWidget(),
    hide: () => api().hideWidget(),
    track: (name, meta) => void api().addEvent(dashed(name), fit(meta), complain("event")),
    update: attach,
    tour: () => core.unsupported("tour"),
    article: () => core.unsupported("article"),
    async end() {
      over = true;
      if (window.Tawk_API) delete window.Tawk_API.visitor;
      if (here) await leave();
    },
  };

  /** @param {Record<string, any>} values */
  function trim(values) {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null && value !== ""));
  }
}
