/**
 * Intercom's adapter (facts as of 2026-11). Boots by command, never through window.intercomSettings, which would
 * outlive a logout. What the loader and the frame do at a start, a visit of Turbo and a shutdown was read in those of
 * 2022-02 and a loader of 2024: newer ones may differ, so what they do is looked at, never presumed.
 *
 * @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.AdapterCore} core @returns {LiveChat.Adapter}
 */
function adapter(vendor, core) {
  const API = {
    us: "https://api-iam.intercom.io", eu: "https://api-iam.eu.intercom.io", au: "https://api-iam.au.intercom.io",
  };
  const MAX_CALLS = 20; // boots and updates that the vendor takes (30 in its script of 2022) …
  const WINDOW_MS = 30 * 60 * 1000 + 5000; // … in so much time, and a little more; further ones are dropped
  const ARRIVAL_MS = 20000; // for which the messenger is looked for
  const UNRECORDED_MS = 3000; // after which it is believed without a record of its ping
  /** Events at which the vendor's own loader leaves with the page, and comes back, without a boot. */
  const VISITS = ["turbo:visit", "turbolinks:visit", "page:before-change"];
  const VISITED = ["turbo:load", "turbolinks:load", "page:change"];
  /** Where the Messenger goes, and who it is: never an attribute's, whatever the data block says. */
  const RESERVED = ["app_id", "api_base", "user_id", "email", "user_hash", "intercom_user_jwt"];
  /** @type {LiveChat.Page} */
  let page;
  let ended = false;
  /** How many boots and updates the window has had, what waits for the next update that the vendor takes, and what
   * updates have sent: a boot after a visit of Turbo sends it again.
   * @type {{calls: number, waiting: Record<string, any>, sent: Record<string, any>}} */
  const updates = { calls: 0, waiting: {}, sent: {} };
  let unreadCount = 0;
  let shown = false;
  let refused = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let watchTimer;
  /** The frame that the messenger runs in. @type {Element | null} */
  let frame = null;
  let renewing = false; // a messenger that is told anew has not answered yet
  /** What a visit of Turbo began with. @type {{messenger: unknown, shown: boolean} | null} */
  let visit = null;

  /** @param {string} name @param {any[]} rest */
  const intercom = (name, ...rest) => window.Intercom(name, ...rest);

  /** @param {LiveChat.Page} current @param {boolean} fresh */
  function start(current, fresh) {
    page = current;
    bootAnew(fresh);
    for (const name of VISITS) core.doc.addEventListener(name, () => {
      visit = { messenger: window.Intercom, shown };
    });
    for (const name of VISITED) core.doc.addEventListener(name, () => core.safely(onVisited));
  }

  /** @param {boolean} fresh */
  function bootAnew(fresh) {
    addStub();
    if (fresh) intercom("shutdown"); // somebody else was here: their session ends before ours begins
    boot();
    listen();
    intercom("ready", arrive);
  }

  function arrive() {
    frame = core.doc.getElementById("intercom-frame");
    core.ready();
  }

  /** Watches what a boot comes to. `ready` is newer than the newest script that could be read, and an answer of 403 is
   * told to nobody: the browser's own record of the ping says it. Where there is no record, or none with a status
   * (older browsers), the cookie has to do that comes with the answer. */
  function watch() {
    const before = pings().length;
    const begun = Date.now();
    clearInterval(watchTimer);
    watchTimer = setInterval(() => {
      const status = pings().slice(before).map((ping) => ping.responseStatus || 1).pop();
      const late = Date.now() - begun > UNRECORDED_MS;
      const there = status > 1 ? status < 400 : (status || late) && /(^| )intercom-(id|session)-/.test(core.doc.cookie);
      if (ended || there || status >= 400 || Date.now() - begun > ARRIVAL_MS) {
        clearInterval(watchTimer);
        renewing = false;
      }
      if (ended) return;
      if (there) core.safely(arrive);
      refused = status >= 400;
      if (refused) core.failed("refused");
    }, 250);
  }

  /** The pings of the frame, or of the page, where newer scripts perhaps send them. @returns {any[]} */
  function pings() {
    const frame = /** @type {HTMLIFrameElement | null} */ (core.doc.getElementById("intercom-frame"));
    return [frame && frame.contentWindow, window]
      .flatMap((from) => core.safely(() => from && from.performance.getEntriesByType("resource")) || [])
      .filter((/** @type {any} */ { name, responseEnd }) =>
        responseEnd && /^https:\/\/[^/]*intercom\.io\/.*\/ping$/.test(name));
  }

  // Pages that are swapped.

  function onVisited() {
    const { messenger, shown: reopen } = visit || {};
    visit = null;
    if (ended || !messenger) return;
    if (window.Intercom !== messenger) bootNewMessenger(reopen);
    else swapped();
  }

  /** The messenger is a new one, or has lost its styles: it is told all that the one before was told.
   * @param {boolean=} reopen */
  function bootNewMessenger(reopen) {
    frame = null;
    renewing = true;
    boot();
    listen();
    if (reopen) intercom("show");
  }

  /** Without `moveBefore` the frame is lost with the body that it was in, and the messenger with it. Its styles are
   * lost where the rules that its script has put into them were. */
  function swapped() {
    if (ended || visit || renewing) return false;
    const lost = frame ? !frame.isConnected : !core.doc.querySelector(vendor.elements);
    if (lost) {
      frame = null;
      renewing = true;
      for (const element of core.doc.querySelectorAll(vendor.elements)) element.remove();
      core.unset("Intercom");
      bootAnew(false);
    } else if (shown && ![...core.doc.querySelectorAll("#intercom-css-container style")].some(hasRules)) {
      intercom("shutdown", false);
      bootNewMessenger(true);
    }
    return lost;
  }

  /** Whether the messenger is there. One that is started again has its frame and styles before anything is seen. */
  function present() {
    if (visit) return false;
    if (renewing) return !!core.doc.querySelector("#intercom-container *, .intercom-lightweight-app");
    frame = frame || core.doc.getElementById("intercom-frame");
    return frame ? frame.isConnected : !!core.doc.querySelector(vendor.elements);
  }

  /** @param {any} style */
  function hasRules(style) {
    return style.sheet && style.sheet.cssRules.length;
  }

  /** Adds the documented stub, in whose `q` calls wait until the script arrives. */
  function addStub() {
    if (typeof core.global("Intercom") === "function") return;
    const stub = function () { stub.c(arguments); };
    /** @type {IArguments[]} */
    stub.q = [];
    stub.c = (/** @type {IArguments} */ call) => void stub.q.push(call);
    window.Intercom = stub;
  }

  function boot() {
    core.unset("intercomSettings");
    updates.waiting = {}; // what was said since goes with it
    countCall();
    watch();
    intercom("boot", Object.assign(attributes(), appearance(), identity()));
  }

  function countCall() {
    updates.calls += 1;
    setTimeout(() => {
      updates.calls -= 1;
      flush();
    }, WINDOW_MS);
  }

  /** Callbacks end with a shutdown (2022-02); should they outlive one, being called twice does no harm. */
  function listen() {
    intercom("onShow", () => {
      shown = true;
      core.report("open");
    });
    intercom("onHide", () => {
      shown = false;
      core.report("close");
    });
    intercom("onUnreadCountChange", onUnread);
  }

  /** @param {number} count */
  function onUnread(count) {
    if (count > unreadCount) core.report("message", { author: "agent" });
    unreadCount = count;
    core.report("unread", { count });
  }

  function appearance() {
    const { position, locale } = page.settings;
    const { app_id: appId, region } = vendor.settings;
    return trim({
      app_id: appId,
      api_base: API[/** @type {keyof typeof API} */ (region)],
      alignment: position.side,
      horizontal_padding: Math.max(20, position.x), // at least 20, says the vendor; not used on mobile
      // Above our own button, which its panel would cover otherwise.
      vertical_padding: Math.max(20, position.y) + (page.settings.launcher === "own" ? 68 : 0),
      hide_default_launcher: core.vendorLauncher() ? undefined : true,
      language_override: locale,
    });
  }

  function attributes() {
    const { visitor, context } = page;
    const { name, phone, avatar, company, created_at: since, attributes: own } = visitor || {};
    return trim(Object.assign(withoutReserved(context), withoutReserved(own || {}), updates.sent, {
      name, phone, created_at: since, company,
      avatar: avatar && { type: "avatar", image_url: avatar },
    }));
  }

  /** @param {Record<string, any>} values */
  function withoutReserved(values) {
    return Object.fromEntries(Object.entries(values).filter(([name]) => !RESERVED.includes(name)));
  }

  /** The identity, for a boot and every identified update. The vendor refuses an identity whose proof is missing. */
  function identity() {
    const { visitor, proof } = page;
    if (proof && proof.jwt) return { intercom_user_jwt: proof.jwt };
    return visitor ? trim({ user_id: visitor.id, email: visitor.email, user_hash: proof && proof.user_hash }) : {};
  }

  /** Sends changes. Beyond the vendor's limit they add up, and go when it takes them again.
   * @param {Record<string, any>} values */
  function update(values) {
    Object.assign(updates.waiting, withoutReserved(values));
    Object.assign(updates.sent, withoutReserved(values));
    if (updates.calls < MAX_CALLS) return flush();
    core.warn(`Intercom takes ${MAX_CALLS} updates in 30 minutes; further changes wait.`);
  }

  function flush() {
    if (ended || !Object.keys(updates.waiting).length) return;
    countCall();
    intercom("update", Object.assign({}, updates.waiting, identity()));
    updates.waiting = {};
  }

  return {
    start,
    loaded() {
      if (refused) boot(); // another try
    },
    swapped,
    present,
    /** A new token goes with a boot, say the vendor's newest notes; none is told when the old one ends. */
    identify(current) {
      page = current;
      Object.assign(updates.sent, withoutReserved(current.context));
      boot();
      if (ended) listen();
      ended = false;
    },
    open: (text) => (text ? intercom("showNewMessage", text) : intercom("show")),
    close: () => intercom("hide"),
    show: () => update({ hide_default_launcher: false }),
    hide() {
      intercom("hide");
      update({ hide_default_launcher: true });
    },
    track: (name, meta) => intercom("trackEvent", name, meta),
    update,
    /** By startTour and the like, or by showArticle and the like. */
    startContent: (kind, id) =>
      intercom((/tour|survey|checklist/.test(kind) ? "start" : "show") + kind[0].toUpperCase() + kind.slice(1), id),
    async end() {
      // Not arrived yet: what waits for it holds the visitor's identity.
      if (window.Intercom && Array.isArray(window.Intercom.q)) window.Intercom.q.length = 0;
      ended = true;
      renewing = false; // whoever comes next is not waited for by what was lost before
      updates.waiting = updates.sent = {};
      intercom("shutdown");
      core.unset("intercomSettings");
    },
  };

  /** @param {Record<string, any>} values */
  function trim(values) {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null && value !== ""));
  }
}
