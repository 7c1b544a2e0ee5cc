/**
 * This file knows whose chat it is: who was started last on this browser, by storage and cookies, and what of an
 * earlier visitor has to go before somebody else is started. It is served in one file with session.js.
 *
 * @param {LiveChat.Core} core @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.SessionState} state
 * @returns {LiveChat.VisitorStore}
 */
function visitorStore(core, vendor, state) {
  const { chat, doc, safely, stored } = core;
  /** The start of all items of this app in the storage, of any vendor. */
  const APP_PREFIX = `livechat${new URL(core.base).pathname}`;
  /** This cookie names who was started with the account, here or on another host of the domain. */
  const OWNER_COOKIE = `livechat_known_${vendor.account}=`;
  const MAX_AGE_S = 270 * 24 * 3600; // as long as the longest-lived of the vendors' cookies
  const EVENT_LIFE_MS = 60 * 60 * 1000; // for which an event waits for the vendor
  const SWEEPS_MS = [600, 2000, 6000, 20000]; // after an end, when what the vendor has written since is swept
  /** What has started once on this page, for where storage is blocked. @type {Set<string>} */
  const started = new Set();
  moveOldKeys();
  return {
    hasStarted, cleanUp, checkOwner, setOwner, knownOwner, forgetVisitor, findTraces, sweepTraces, scheduleSweeps,
    sweepIfEnded, hasLogoutMark, takeStoredEvents, forgetConsent, remember,
  };

  /** Removes what this page, its consent or another visitor leaves no place for. A page begins with it. */
  function cleanUp() {
    const { page } = chat;
    if (core.denied()) forget("consent");
    if (!core.hasConsent() || hasLogoutMark(page)) forgetVisitor();
    checkOwner(chat.identityStale ? null : page.who);
    storeEvents();
  }

  /** Compares who was started last on this browser with who it is now. Any difference ends the old session first, but a
   * visitor who was anonymous and logs in keeps the conversation. @param {string | null} who */
  function checkOwner(who) {
    const last = stored("who");
    const owner = knownOwner();
    // The vendor remembers somebody and we do not: storage is blocked, or was cleared. Where nobody was known and
    // nobody is, the conversation goes on.
    const unknown = !owner && last === null && !!who && findTraces().length > 0;
    const another = [owner, last].some((name) => name && name !== who);
    if ((who !== null && (another || unknown)) || hasLogoutMark()) forgetVisitor();
    if (!hasLogoutMark()) return;
    const others = logoutMarks().filter((mark) => !isOurMark(mark));
    expireCookie("livechat_left"); // also one that another host of the same domain has set
    if (others.length) doc.cookie = `livechat_left=${others.join("|")}; path=/; samesite=lax; max-age=${MAX_AGE_S}`;
  }

  /** Remembers whom the vendor has. A cookie says it, too, on the widest domain that the browser takes, for other hosts
   * and other apps that share the vendor's session. @param {string} who */
  function setOwner(who) {
    remember("who", who);
    chat.last = stored("who");
    if (!who) return;
    for (const domain of domainAttributes().reverse()) {
      safely(() => { doc.cookie = `${OWNER_COOKIE}${who}; path=/; samesite=lax; max-age=${MAX_AGE_S}${domain}`; });
      if (knownOwner() === who) return;
    }
  }

  /** Whose the vendor's session is, as this or another host, app or page has said. Empty where none has. */
  function knownOwner() {
    return readCookie(OWNER_COOKIE);
  }

  /** Removes all that an earlier visitor has left. The vendor's next session is a new one then. */
  function forgetVisitor() {
    state.freshSession = sweepTraces() || state.freshSession || stored("who") !== null || hasLogoutMark();
    for (const name of ["who", "going", "events"]) forget(name);
    expireCookie(OWNER_COOKIE.slice(0, -1));
    chat.last = stored("who");
    for (const key of safely(() => Object.keys(sessionStorage)) || []) {
      if (key.startsWith(APP_PREFIX) && key !== core.keyOf("reopen")) sessionStorage.removeItem(key);
    }
  }

  // What the vendor has left.

  /** Names of the vendor's cookies and stored items that are there. */
  function findTraces() {
    const jar = safely(() => doc.cookie.split("; ").map((pair) => pair.split("=")[0])) || [];
    const items = safely(() => Object.keys({ ...localStorage, ...sessionStorage })) || [];
    return [...jar.filter((name) => name.match(vendor.cookies)), ...items.filter((name) => name.match(vendor.storage))];
  }

  /** @param {string} start a cookie's name and "=" @returns {string} empty where there is none */
  function readCookie(start) {
    return safely(() => doc.cookie.split("; ").find((pair) => pair.startsWith(start)))?.slice(start.length) || "";
  }

  /** The attribute for each domain that a cookie of this page can be set for, the host itself first. */
  function domainAttributes() {
    const labels = location.hostname.split(".");
    const parents = vendor.domain ? [vendor.domain] : labels.map((_, n) => labels.slice(n).join(".")).slice(0, -1);
    return ["", ...parents.map((parent) => `; domain=${parent}`)];
  }

  /** Expires a cookie at every path and domain that it can have been set for. @param {string} name */
  function expireCookie(name) {
    const paths = location.pathname.split("/").map((_, n, parts) => parts.slice(0, n + 1).join("/") || "/");
    for (const path of paths) {
      for (const domain of domainAttributes()) {
        safely(() => { doc.cookie = `${name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=${path}${domain}`; });
      }
    }
  }

  /** Removes exactly those. @returns {boolean} whether there were any */
  function sweepTraces() {
    const names = findTraces();
    for (const name of names) {
      safely(() => localStorage.removeItem(name));
      safely(() => sessionStorage.removeItem(name));
      expireCookie(name);
    }
    return names.length > 0;
  }

  /** Sweeps several times after an end: a vendor may write once more when an old answer arrives. */
  function scheduleSweeps() {
    for (const ms of [0, ...SWEEPS_MS]) setTimeout(sweepIfEnded, ms);
  }

  /** Sweeps unless somebody has come since, here or in another tab. */
  function sweepIfEnded() {
    if (state.sessionEnded && stored("who") === null) sweepTraces();
  }

  // The mark of a logout.

  /** The entries of a logout's cookie: each is an app's vendor that has not ended yet. Earlier versions wrote the
   * vendors' bare names. @returns {string[]} */
  function logoutMarks() {
    const value = readCookie("livechat_left=");
    return value.split(value.includes("/") ? "|" : /[.|]/);
  }

  /** Whether a logout's mark is there: ours, or any where a page tells of our logout. A page out of a cache may tell of
   * it long after its mark has gone. @param {LiveChat.Page=} page */
  function hasLogoutMark(page) {
    return logoutMarks().some((mark) => isOurMark(mark) || (mark && page?.left));
  }

  /** @param {string} mark */
  function isOurMark(mark) {
    return mark === vendor.name || mark === (APP_PREFIX + vendor.account).slice(8).replace(/[^\w./~-]/g, "_");
  }

  // An event comes with one page only, but the vendor may start on a later one. Until then it waits, for its visitor,
  // in the storage that tabs share: a cloned tab would have a copy of the other. It is stored without a list, since old
  // libraries give lists a toJSON() that makes text of them.

  function storeEvents() {
    const { events, who } = chat.page;
    if (!events.length || !core.hasConsent()) return; // nothing is stored before consent
    // What a view says of segments on every page takes one place, so that it crowds out nothing else.
    const text = JSON.stringify(events);
    const before = takeStoredEvents().filter((event) => event?.name || !text.includes(JSON.stringify(event)));
    const waiting = [...before, ...events].slice(-20);
    if (remember("events", JSON.stringify({ who, since: Date.now(), events: { ...waiting } }))) events.length = 0;
  }

  /** @returns {LiveChat.Page["events"]} */
  function takeStoredEvents() {
    const item = safely(() => JSON.parse(stored("events") || "{}")) || {};
    forget("events");
    const fits = Date.now() - item.since < EVENT_LIFE_MS && (!item.who || item.who === chat.page.who);
    return fits ? Object.values(item.events || {}) : [];
  }

  // What starts once: for a visitor in this browser, also after a logout. An anonymous one is a visitor, too.

  /** Whether the visitor has had it. @param {string} content @param {boolean=} now whether they have it from now on */
  function hasStarted(content, now) {
    const name = `once.${chat.page.who ?? state.identifiedPage.who}.${content}`;
    const before = started.has(name) || stored(name) !== null;
    if (now) {
      started.add(name);
      remember(name, "1");
    }
    return before;
  }

  // The storage.

  /** Forgets a consent to any vendor of this app, and what was stored with it. */
  function forgetConsent() {
    for (const key of safely(() => Object.keys(localStorage)) || []) {
      if (key.startsWith(APP_PREFIX) && /\.consent$|\.once\./.test(key)) localStorage.removeItem(key);
    }
  }

  /** Takes over what an earlier version has stored under names that two apps on one origin shared. */
  function moveOldKeys() {
    for (const name of ["who", "going", "consent"]) {
      safely(() => {
        const value = stored(name);
        localStorage.removeItem(`livechat.${vendor.name}.${name}`);
        if (value !== null) localStorage.setItem(core.keyOf(name), value);
      });
    }
  }

  /** @param {string} name @param {string} value @returns {boolean} false where storage is blocked */
  function remember(name, value) {
    try { localStorage.setItem(core.keyOf(name), value); } catch { return false; }
    return true;
  }

  /** @param {string} name */
  function forget(name) {
    try { localStorage.removeItem(core.keyOf(name)); } catch { /* blocked */ }
  }
}
