/**
 * Whose chat it is: who was started last on this browser, what storage and cookies remember of it, and what an earlier
 * visitor has left. Whoever was here before is gone first: from the vendor's cookies and its storage.
 *
 * @param {LiveChat.Core} core @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.SessionState} state
 * @returns {LiveChat.VisitorStore}
 */
function visitorStore(core, vendor, state) {
  const { chat, doc, safely, stored } = core;
  /** With what this app's items in the storage begin, be they of another vendor. */
  const APP = `livechat${new URL(core.base).pathname}`;
  /** A cookie: somebody who is known was started with this account, here or on another host of the domain. */
  const KNOWN = `livechat_known_${vendor.account}=`;
  const MAX_AGE = 270 * 24 * 3600; // s, as long as the longest-lived of the vendors' cookies
  const PARKED = 60 * 60 * 1000; // ms for which an event waits for the vendor
  const LATE = [600, 2000, 6000, 20000]; // ms after an end at which is swept what the vendor has written since
  moveOldKeys();
  return {
    cleanUp, checkOwner, setOwner, knownOwner, forgetVisitor, findTraces, sweepTraces, scheduleSweeps, sweepIfEnded,
    hasLogoutMark, takeStoredEvents, forgetConsent, remember,
  };

  /** What a page begins with. */
  function cleanUp() {
    const { page } = chat;
    if (core.denied()) forget("consent");
    if (!core.hasConsent() || page.left) forgetVisitor();
    checkOwner(chat.identityStale ? null : page.who);
    storeEvents();
  }

  /** Who was started last on this browser is compared with who it is now: any difference ends the old session first.
   * Somebody who was anonymous and logs in keeps the conversation. @param {string | null} who */
  function checkOwner(who) {
    const last = stored("who");
    const owner = knownOwner();
    // No memory of anybody, but the vendor has one: storage may be blocked, or was cleared. Where nobody was known and
    // nobody is, the conversation goes on.
    const unknown = !owner && last === null && !!who && findTraces().length > 0;
    const another = [owner, last].some((each) => each && each !== who);
    if ((who !== null && (another || unknown)) || hasLogoutMark()) forgetVisitor();
    if (!hasLogoutMark()) return;
    const others = logoutMarks().filter((name) => !isOurMark(name));
    expire("livechat_left"); // also one that another host of the same domain has set
    if (others.length) doc.cookie = `livechat_left=${others.join("|")}; path=/; samesite=lax; max-age=${MAX_AGE}`;
  }

  /** Whom the vendor has. Who is known is kept where the vendor's cookies are, too: on the widest domain that the
   * browser takes, for other hosts and other apps that share the vendor's session. @param {string} who */
  function setOwner(who) {
    remember("who", who);
    chat.last = stored("who");
    if (!who) return;
    for (const domain of domains().reverse()) {
      safely(() => { doc.cookie = `${KNOWN}${who}; path=/; samesite=lax; max-age=${MAX_AGE}${domain}`; });
      if (knownOwner() === who) return;
    }
  }

  /** Whose the vendor's session is, as another host, app or page has left word. Empty where nobody has. */
  function knownOwner() {
    return readCookie(KNOWN);
  }

  function forgetVisitor() {
    state.freshSession = sweepTraces() || state.freshSession || stored("who") !== null || hasLogoutMark();
    for (const name of ["who", "going", "events"]) forget(name);
    expire(KNOWN.slice(0, -1));
    chat.last = stored("who");
    for (const key of safely(() => Object.keys(sessionStorage)) || []) {
      if (key.startsWith(APP) && key !== core.keyOf("reopen")) sessionStorage.removeItem(key);
    }
  }

  // What the vendor has left.

  /** What the vendor's room names, of what is there. */
  function findTraces() {
    const jar = safely(() => doc.cookie.split("; ").map((pair) => pair.split("=")[0])) || [];
    const items = safely(() => Object.keys({ ...localStorage, ...sessionStorage })) || [];
    return [...jar.filter((name) => name.match(vendor.cookies)), ...items.filter((name) => name.match(vendor.storage))];
  }

  /** @param {string} start its name and "=" @returns {string} empty where there is none */
  function readCookie(start) {
    return safely(() => doc.cookie.split("; ").find((pair) => pair.startsWith(start)))?.slice(start.length) || "";
  }

  /** A cookie's attribute for each domain that this page can have set one for, the host itself first. */
  function domains() {
    const labels = location.hostname.split(".");
    const parents = vendor.domain ? [vendor.domain] : labels.map((_, n) => labels.slice(n).join(".")).slice(0, -1);
    return ["", ...parents.map((parent) => `; domain=${parent}`)];
  }

  /** Every place that a cookie of this page's can have been set for. @param {string} name */
  function expire(name) {
    const paths = location.pathname.split("/").map((_, n, parts) => parts.slice(0, n + 1).join("/") || "/");
    for (const path of paths) {
      for (const domain of domains()) {
        safely(() => { doc.cookie = `${name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=${path}${domain}`; });
      }
    }
  }

  /** Removes exactly that. @returns {boolean} whether there was anything */
  function sweepTraces() {
    const found = findTraces();
    for (const name of found) {
      safely(() => localStorage.removeItem(name));
      safely(() => sessionStorage.removeItem(name));
      expire(name);
    }
    return found.length > 0;
  }

  /** A vendor may write once more when an answer of before arrives. Not where somebody has come since, here or in
   * another tab. */
  function scheduleSweeps() {
    for (const ms of [0, ...LATE]) setTimeout(sweepIfEnded, ms);
  }

  function sweepIfEnded() {
    if (state.sessionEnded && stored("who") === null) sweepTraces();
  }

  // The mark of a logout.

  /** The mark of a logout: a cookie with what has not ended yet, which is an app's vendor each. Earlier versions wrote
   * the vendors' bare names. @returns {string[]} */
  function logoutMarks() {
    const value = readCookie("livechat_left=");
    return value.split(value.includes("/") ? "|" : /[.|]/);
  }

  function hasLogoutMark() {
    return logoutMarks().some(isOurMark);
  }

  /** @param {string} mark */
  function isOurMark(mark) {
    return mark === vendor.name || mark === core.home.replace(/[^\w./~-]/g, "_");
  }

  // Events came with one page only, but the vendor may start on a later one: until then they wait, for whomever they
  // are of. In the storage that tabs share, since a cloned tab has a copy of the other. Without lists, since old
  // libraries give those a toJSON() that makes text of them.

  function storeEvents() {
    const { events, who } = chat.page;
    if (!events.length || !core.hasConsent()) return; // nothing is stored before consent
    const waiting = [...takeStoredEvents(), ...events].slice(-20);
    if (remember("events", JSON.stringify({ who, since: Date.now(), events: { ...waiting } }))) events.length = 0;
  }

  /** @returns {LiveChat.Page["events"]} */
  function takeStoredEvents() {
    const found = safely(() => JSON.parse(stored("events") || "{}")) || {};
    forget("events");
    const fits = Date.now() - found.since < PARKED && (!found.who || found.who === chat.page.who);
    return fits ? Object.values(found.events || {}) : [];
  }

  // The storage.

  /** It goes for every vendor. */
  function forgetConsent() {
    for (const key of safely(() => Object.keys(localStorage)) || []) {
      if (key.startsWith(APP) && key.endsWith(".consent")) localStorage.removeItem(key);
    }
  }

  /** What an earlier version has kept, under names that two apps on one origin shared: the first that comes takes it.
   */
  function moveOldKeys() {
    for (const name of ["who", "going", "consent"]) {
      safely(() => {
        const value = stored(name);
        localStorage.removeItem(`livechat.${vendor.name}.${name}`);
        if (value !== null) localStorage.setItem(core.keyOf(name), value);
      });
    }
  }

  /** @param {string} name @param {string} value @returns {boolean} false where storage is blocked: then nothing is kept
   */
  function remember(name, value) {
    try { localStorage.setItem(core.keyOf(name), value); } catch { return false; }
    return true;
  }

  /** @param {string} name */
  function forget(name) {
    try { localStorage.removeItem(core.keyOf(name)); } catch { /* blocked */ }
  }
}
