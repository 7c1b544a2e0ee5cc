/**
 * Tawk.to's adapter (facts as of 2026-11). What its script does at a start, a login and a shutdown was read in its
 * build of 2025-04 (67f4b2d4927): newer ones may differ, so each step has a limit and is checked where it can be.
 *
 * @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.AdapterCore} core @returns {LiveChat.Adapter}
 */
function adapter(vendor, core) {
  const KEY_CHARS = 50; // of an attribute's name (not in the vendor's documents; one longer refuses the whole call)
  const VALUE_CHARS = 255;
  const MAX_ATTRIBUTES = 50;
  const TAGS_MS = 4000; // within which a change of tags is answered, or counts as over
  const LOGIN_MS = 10000; // within which a login is answered, or counts as refused
  const SESSION_MS = 4000; // within which the session of a login is there
  /** @type {LiveChat.Page} */
  let page;
  let sessionThere = false;
  let ended = false;
  let open = false; // whether the panel is
  /** Called at the next `tawkLoad`. @type {() => void} */
  let sessionLoaded = () => {};
  /** The login under way: what is sent before it is over goes to a session that ends. @type {Promise<unknown>} */
  let login = Promise.resolve();
  /** Names of attributes that were sent. @type {Set<string>} */
  const names = new Set();
  /** The change of tags under way: the vendor has an error for one that another overtakes. @type {Promise<unknown>} */
  let tagging = Promise.resolve();
  const api = () => window.Tawk_API;

  /** @param {LiveChat.Page} current */
  function start(current) {
    page = current;
    window.Tawk_API = core.global("Tawk_API") || {};
    // A script that is there without its elements belongs to a document that is no more.
    if (typeof api().shutdown === "function" && !core.doc.querySelector(vendor.elements)) unload();
    window.Tawk_LoadStart = new Date();
    const { visitor, proof } = page;
    // Every session that this page begins sends these again, a logout's, too. Hence they stand only where there is no
    // login.
    if (visitor && visitor.email && !canLogIn()) {
      api().visitor = trim({ name: visitor.name, email: visitor.email, hash: proof && proof.email });
    }
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

  /** Listens to the window events, not by callbacks: a site's own callbacks stay as they are. */
  function listen() {
    on("Load", onSession);
    on("ChatMaximized", () => {
      open = true;
      core.report("open");
    });
    on("ChatMinimized", () => {
      open = false;
      core.report("close");
      if (!core.vendorLauncher()) api().hideWidget();
    });
    on("ChatHidden", () => core.report("close")); // comes with every hideWidget(): hiding again here would never end
    on("ChatMessageVisitor", () => core.report("message", { author: "visitor" }));
    on("ChatMessageAgent", () => core.report("message", { author: "agent" }));
    on("StatusChange", (status) => core.report("status", { status }));
    on("ChatSatisfaction", (score) => core.report("rating", { rating: score, scale: "-1..1" }));
    on("UnreadCountChanged", (count) => core.report("unread", { count: Number(count) || 0 }));
  }

  /** @param {string} name @param {(detail: any) => void} then */
  function on(name, then) {
    window.addEventListener(`tawk${name}`, (event) =>
      core.safely(() => then(/** @type {CustomEvent} */ (event).detail)));
  }

  /** Looks for a session, since some builds are reported not to announce one. Methods are there before any session. */
  function poll(tries = 80) {
    if (sessionThere || ended || !tries) return;
    if (api().onLoaded === true) core.safely(onSession);
    else setTimeout(poll, 250, tries - 1);
  }

  /** A session has begun: the first one, or one more after a login. */
  function onSession() {
    if (ended) return shutDown();
    if (!core.vendorLauncher()) api().hideWidget();
    sessionLoaded();
    if (sessionThere) return;
    sessionThere = true;
    core.report("status", { status: api().getStatus() });
    identify().then(core.ready, onRefusal);
  }

  function canLogIn() {
    return !!(page.visitor && page.proof && page.proof.id);
  }

  /** `login` brings back past conversations, and takes the attributes; without a hash of the id there is no login. */
  function identify() {
    const { visitor, context } = page;
    const extra = fitLimits(attributesOf(visitor));
    if (!canLogIn() || typeof api().login !== "function") {
      if (visitor && canLogIn()) {
        api().setAttributes(
          trim({ name: visitor.name, email: visitor.email, hash: page.proof?.email }), warnIfRefused("identity"));
      }
      sendAttributes(Object.assign(extra, context));
      return Promise.resolve();
    }
    login = logIn(withinLimit(extra)).then(() => {
      if (open && !ended) api().maximize(); // a new session may begin with the panel shut, and not say so
      sendAttributes(context);
      if (visitor && visitor.segments) changeTags("addTags", visitor.segments);
    });
    return login;
  }

  /** The vendor answers a login when its new session has only begun; the session that lives on is there at the next
   * `tawkLoad`. A build that keeps its session tells of none: hence the second limit. @param {LiveChat.Meta} extra
   * @returns {Promise<void>} */
  function logIn(extra) {
    const { visitor: { id, name, email, phone }, proof } = /** @type {any} */ (page);
    return new Promise((done, refuse) => {
      let accepted = false;
      let loadedSince = false;
      const settle = () => accepted && loadedSince && done();
      const limit = setTimeout(refuse, LOGIN_MS, "no answer");
      sessionLoaded = () => {
        loadedSince = true;
        settle();
      };
      const claims = trim(Object.assign(extra, { hash: proof.id, userId: id, name, email, phone }));
      api().login(claims, (/** @type {unknown} */ error) => {
        clearTimeout(limit);
        if (error) return refuse(error);
        accepted = true;
        settle();
        setTimeout(done, SESSION_MS);
      });
    });
  }

  /** @param {unknown} error */
  function onRefusal(error) {
    core.warn(`Tawk.to refused the login (${errorText(error)}). Is Secure Mode on, and the key this property's?`);
    sessionThere = false; // another try may be better
    core.failed("refused");
  }

  /** @param {LiveChat.Visitor | null} visitor @returns {LiveChat.Meta} */
  function attributesOf(visitor) {
    if (!visitor) return {};
    const since = visitor.created_at && new Date(visitor.created_at * 1000).toISOString().slice(0, 10);
    return trim(Object.assign(
      {}, visitor.attributes, { company: visitor.company && visitor.company.name, "created-at": since }));
  }

  /** @param {LiveChat.Meta} attributes */
  function sendAttributes(attributes) {
    const fitted = withinLimit(fitLimits(attributes));
    if (!ended && Object.keys(fitted).length) api().setAttributes(fitted, warnIfRefused("attributes"));
  }

  /** Leaves out new attributes beyond 50, since one too many makes Tawk.to refuse the whole call.
   * @template T @param {Record<string, T>} attributes @returns {Record<string, T>} */
  function withinLimit(attributes) {
    return Object.fromEntries(Object.entries(attributes)
      .filter(([name]) => names.has(name) || (names.size < MAX_ATTRIBUTES && names.add(name))));
  }

  /** Fits attributes into the vendor's limits: keys of letters, digits and "-", values of 1 to 255 characters.
   * @param {LiveChat.Meta} attributes */
  function fitLimits(attributes) {
    /** @type {Record<string, string>} */
    const fitted = {};
    for (const [key, value] of Object.entries(attributes)) {
      const content = value == null ? "" : String(value).slice(0, VALUE_CHARS);
      const name = attributeName(key);
      if (content && name && !["name", "email", "hash"].includes(name)) fitted[name] = content;
    }
    return fitted;
  }

  /** @param {string} name */
  function attributeName(name) {
    return name.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, KEY_CHARS).replace(/^-+|-+$/g, "");
  }

  /** @param {"addTags" | "removeTags"} method @param {string[]} names */
  function changeTags(method, names) {
    if (names.length) tagging = tagging.then(() => ended || new Promise((done) => {
      core.safely(() => api()[method](names, (/** @type {unknown} */ error) => done(warnIfRefused("tags")(error))));
      setTimeout(done, TAGS_MS);
    }));
  }

  /** @param {string} what */
  function warnIfRefused(what) {
    return (/** @type {unknown} */ error) => {
      if (error) core.warn(`Tawk.to refused the ${what} (${errorText(error)}).`);
    };
  }

  /** The text of an error, which is an object or a sentence. @param {any} error */
  function errorText(error) {
    return error && error.message ? `${error.code}: ${error.message}` : String(error);
  }

  /** Hides the widget. An open panel stays until it is minimized, also without a session (2025-04). */
  function hide() {
    api().minimize();
    api().hideWidget();
  }

  /** The vendor's own logout always begins a new session, with the old visitor's id and name; a shutdown begins
   * nothing. */
  function shutDown() {
    if (typeof api().shutdown === "function") {
      core.safely(() => api().minimize());
      core.safely(() => api().shutdown());
    }
    core.sweepLater();
  }

  /** Without `moveBefore` the frames are lost with the body that they were in, and the script does not make them again
   * (2025-04). It starts anew where it does not know that it has run; the visitor's session goes on. */
  function swapped() {
    const lost = sessionThere && !ended && !core.doc.querySelector(vendor.elements);
    if (lost) unload();
    return lost;
  }

  function unload() {
    api().shutdown();
    for (const name of Object.keys(window).filter((key) => /^(\$_Tawk|\$__Tawk|tawkJsonp)/.test(key))) core.unset(name);
    api().onLoaded = sessionThere = false;
  }

  /** Sends now, or when the login under way is over. @param {() => void} send */
  function afterLogin(send) {
    login.catch(() => {}).then(() => ended || core.safely(send));
  }

  return {
    start,
    loaded: () => poll(),
    swapped,
    /** Not after an end: the script remembers the visitor until the page is loaded anew. */
    identify(current) {
      if (ended) return false;
      page = current;
      identify().catch(onRefusal);
    },
    open(message) {
      if (message) core.unsupported("a prefilled message");
      api().showWidget();
      api().maximize();
    },
    close: () => api().minimize(),
    show: () => api().showWidget(),
    hide,
    track: (name, meta) => afterLogin(() =>
      api().addEvent(attributeName(name), fitLimits(meta), warnIfRefused("event"))),
    update: (attributes) => afterLogin(() => sendAttributes(attributes)),
    segment: (added, removed) => afterLogin(() => {
      changeTags("removeTags", removed); // first, since ten are the limit
      changeTags("addTags", added);
    }),
    startContent: () => {}, // nothing of the kind is documented
    async end() {
      ended = true;
      if (!window.Tawk_API) return;
      delete api().visitor;
      api().autoStart = false; // read once, as the script arrives: it may still be on its way
      shutDown();
    },
  };

  /** @param {Record<string, any>} values */
  function trim(values) {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null && value !== ""));
  }
}
