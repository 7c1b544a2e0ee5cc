/**
 * Intercom's adapter (facts as of 2026-11). Boots by command, never through window.intercomSettings, which would
 * outlive a logout.
 *
 * @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.Ears} core @returns {LiveChat.Room}
 */
function room(vendor, core) {
  const API = { us: "https://api-iam.intercom.io", eu: "https://api-iam.eu.intercom.io", au: "https://api-iam.au.intercom.io" };
  const MOST = 20; // updates that the vendor takes …
  const WINDOW = 30 * 60 * 1000; // … in so many ms; further ones are dropped
  /** Where the Messenger goes, and who it is: never an attribute's, whatever the data block says. */
  const RESERVED = ["app_id", "api_base", "user_id", "email", "user_hash", "intercom_user_jwt"];
  /** @type {LiveChat.Page} */
  let page;
  let started = false;
  let over = false;
  let updates = 0;
  /** What waits for the next update that the vendor takes. @type {Record<string, any>} */
  let waiting = {};
  let seen = 0;
  /** @type {unknown} */
  let stub;

  /** @param {string} name @param {any[]} rest */
  const intercom = (name, ...rest) => window.Intercom(name, ...rest);

  /** @param {LiveChat.Page} current @param {boolean} fresh */
  function start(current, fresh) {
    page = current;
    if (started) return;
    started = true;
    queue();
    if (fresh) intercom("shutdown"); // somebody else was here: their session ends before ours begins
    boot();
    listen();
    intercom("ready", core.ready);
  }

  /** The documented stub: what is called before the script arrives waits in `q`. */
  function queue() {
    if (typeof window.Intercom === "function") return;
    const waiting = function () { waiting.c(arguments); };
    /** @type {IArguments[]} */
    waiting.q = [];
    waiting.c = (/** @type {IArguments} */ call) => void waiting.q.push(call);
    stub = window.Intercom = waiting;
  }

  function boot() {
    delete window.intercomSettings;
    intercom("boot", Object.assign(attributes(), looks(), identity()));
  }

  function listen() {
    intercom("onShow", () => core.report("open"));
    intercom("onHide", () => core.report("close"));
    intercom("onUnreadCountChange", unread);
  }

  /** Whether callbacks outlive a shutdown is UNCONFIRMED, so being called twice must do no harm. @param {number} count */
  function unread(count) {
    if (count > seen) core.report("message", { author: "agent" });
    seen = count;
    core.report("unread", { count });
  }

  function looks() {
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
    return trim(Object.assign(plain(context), plain(own || {}), {
      name, phone, created_at: since, company,
      avatar: avatar && { type: "avatar", image_url: avatar },
    }));
  }

  /** @param {Record<string, any>} values */
  function plain(values) {
    return Object.fromEntries(Object.entries(values).filter(([name]) => !RESERVED.includes(name)));
  }

  /** Goes with boot and with every identified update: the vendor refuses an identity whose proof is missing. */
  function identity() {
    const { visitor, proof } = page;
    if (proof && proof.jwt) return { intercom_user_jwt: proof.jwt };
    return visitor ? trim({ user_id: visitor.id, email: visitor.email, user_hash: proof && proof.user_hash }) : {};
  }

  /** Beyond the vendor's limit changes add up, and go when it takes them again. @param {Record<string, any>} values */
  function update(values) {
    Object.assign(waiting, plain(values));
    if (updates < MOST) return flush();
    core.warn("Intercom takes 20 updates in 30 minutes; further changes wait.");
  }

  function flush() {
    if (!Object.keys(waiting).length) return;
    updates += 1;
    setTimeout(() => {
      updates -= 1;
      flush();
    }, WINDOW);
    intercom("update", Object.assign({}, waiting, identity()));
    waiting = {};
  }

  return {
    start,
    /** `ready` is a new method: should it not be known, the script's arrival and a pause have to do. */
    loaded: () => void setTimeout(() => { if (window.Intercom !== stub) core.ready(); }, 3000),
    /** A new token goes with a boot, say the vendor's newest notes; none is told when the old one ends. */
    identify(current) {
      page = current;
      boot();
      if (over) listen();
      over = false;
    },
    open: (text) => (text ? intercom("showNewMessage", text) : intercom("show")),
    close: () => intercom("hide"),
    show: () => update({ hide_default_launcher: false }),
    hide: () => {
      intercom("hide");
      return update({ hide_default_launcher: true });
    },
    track: (name, meta) => intercom("trackEvent", name, meta),
    update,
    tour: (id) => intercom("startTour", id),
    article: (id) => intercom("showArticle", id),
    async end() {
      // Not arrived yet: what waits for it holds the visitor's identity.
      if (window.Intercom && window.Intercom.q && window.Intercom === stub) window.Intercom.q.length = 0;
      over = true;
      waiting = {};
      intercom("shutdown");
      delete window.intercomSettings;
    },
  };

  /** @param {Record<string, any>} values */
  function trim(values) {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null && value !== ""));
  }
}
