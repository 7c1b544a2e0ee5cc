/**
 * Crisp's adapter (facts as of 2026-11). What its client does at a start, a reset and a merge was read in the version
 * of 2022-01 (v2.7.0) and its loader of 2022-05: newer ones may differ, so nothing here relies on it for what must not
 * happen.
 *
 * @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.AdapterCore} core @returns {LiveChat.Adapter}
 */
function adapter(vendor, core) {
  let sessionRunning = false; // the script has been asked for, and the session has not been ended since
  let clientThere = false; // the client has answered, and has not been reset since
  let onStarted = () => {}; // called at the next start after an end
  /** @type {LiveChat.Page} */
  let page;

  /** @param {any[]} command */
  const push = (...command) => void window.$crisp.push(command);

  /** @param {LiveChat.Page} current @param {boolean} fresh */
  function start(current, fresh) {
    // Where the document was opened anew, the client of before is cut off from it and would take our commands for
    // nothing.
    if (core.global("$crisp")?.is && !core.doc.querySelector(vendor.elements)) core.unset("$crisp");
    window.$crisp = core.global("$crisp") || [];
    const before = core.global("CRISP_READY_TRIGGER");
    window.CRISP_READY_TRIGGER = () => {
      if (typeof before === "function") before();
      arrive();
    };
    setGlobals(current, fresh);
    listen();
  }

  /** Sets all that the vendor's loader reads as it arrives, at the first start and at one after an end.
   * @param {LiveChat.Page} current @param {boolean} fresh */
  function setGlobals(current, fresh) {
    page = current;
    sessionRunning = true;
    const token = page.proof && page.proof.token;
    const runtime = trim({ locale: page.settings.locale });
    // A login keeps the conversation that this browser had as nobody in particular: its cookie names the session to
    // merge. The cookie is never somebody else's, since a change of visitor sweeps it. Without a token there is nothing
    // to merge.
    if (token && !fresh) runtime.session_merge = true;
    window.CRISP_WEBSITE_ID = vendor.settings.website_id;
    window.CRISP_TOKEN_ID = token || null;
    window.CRISP_RUNTIME_CONFIG = Object.assign({}, window.CRISP_RUNTIME_CONFIG, runtime);
    if (vendor.domain) window.CRISP_COOKIE_DOMAIN = vendor.domain;
  }

  /** The session is there. Nothing personal waits in the queue before that: a logout could not take it back. */
  function arrive() {
    clientThere = true;
    if (sessionRunning) {
      push("safe", true); // wrong data must not throw into the page
      if (page.settings.position.side === "left") push("config", "position:reverse", [true]);
      if (!core.vendorLauncher()) push("do", "chat:hide");
      core.safely(() => introduce(page));
      reportAvailability(core.safely(() => window.$crisp.is("website:available")) !== false);
      reportUnread();
    }
    core.ready();
    onStarted();
    if (!sessionRunning) end(); // it was started again for somebody who has left since
  }

  /** @param {boolean} online */
  function reportAvailability(online) {
    core.report("status", { status: online ? "online" : "away" });
  }

  function listen() {
    push("on", "chat:opened", () => core.report("open"));
    push("on", "chat:closed", () => {
      core.report("close");
      if (!core.vendorLauncher()) push("do", "chat:hide");
    });
    push("on", "message:sent", () => core.report("message", { author: "visitor" }));
    push("on", "message:received", () => {
      core.report("message", { author: "agent" });
      reportUnread();
    });
    push("on", "website:availability:changed", reportAvailability);
  }

  /** Asks for the count, which is not reported. The pause is there since Crisp may count a message after it tells of
   * it. */
  function reportUnread() {
    setTimeout(() => core.safely(() => core.report("unread", { count: window.$crisp.get("chat:unread:count") || 0 })));
  }

  /** @param {LiveChat.Page} page */
  function introduce({ visitor, proof, context }) {
    if (visitor) {
      const { email, name, phone, avatar, company, segments } = visitor;
      if (email) push("set", "user:email", proof && proof.email ? [email, proof.email] : [email]);
      if (name) push("set", "user:nickname", [name]);
      if (phone) push("set", "user:phone", [phone]);
      if (avatar) push("set", "user:avatar", [avatar]);
      if (company && company.name) {
        push("set", "user:company", company.website ? [company.name, { url: company.website }] : [company.name]);
      }
      if (segments) push("set", "session:segments", [segments, false]);
      sendData(attributesOf(visitor));
    }
    sendData(context);
  }

  /** @param {LiveChat.Visitor} visitor @returns {LiveChat.Meta} */
  function attributesOf({ id, created_at: since, attributes }) {
    const own = id === undefined ? {} : { user_id: id };
    return Object.assign(
      own, since === undefined ? {} : { created_at: new Date(since * 1000).toISOString().slice(0, 10) }, attributes);
  }

  /** Sends data, with keys in lower case with "_" and "-", and values that are text, numbers or booleans.
   * @param {LiveChat.Meta} values */
  function sendData(values) {
    const pairs = Object.entries(values)
      .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
      .map(([key, value]) => [key.toLowerCase().replace(/[^a-z0-9_-]+/g, "_"), value]);
    if (pairs.length) push("set", "session:data", [pairs]);
  }

  /** The client starts again after a reset, visible and with a session of its own, unless its loader misses the
   * website's id (2022-01). The reset expires the cookies of the token that the client was started with. */
  async function end() {
    sessionRunning = false;
    core.unset("CRISP_WEBSITE_ID");
    window.CRISP_TOKEN_ID = null;
    if (!clientThere) return; // nothing has begun: whoever arrives later is ended then
    clientThere = false;
    push("do", "chat:hide"); // a newer client may start all the same: then at least nothing is seen
    push("do", "session:reset", [false]);
  }

  return {
    start,
    identify(current) {
      if (sessionRunning) return introduce(page = current);
      setGlobals(current, true);
      return new Promise((done) => {
        onStarted = done;
        core.load();
      });
    },
    open(text) {
      if (text) push("set", "message:text", [text]);
      push("do", "chat:show");
      push("do", "chat:open");
      core.report("unread", { count: 0 });
    },
    close: () => push("do", "chat:close"),
    show: () => push("do", "chat:show"),
    hide() {
      push("do", "chat:close"); // or it comes back open
      push("do", "chat:hide");
    },
    track: (name, meta) => push("set", "session:event", [[[name, meta, "blue"]]]),
    update: sendData,
    segment: (added) => push("set", "session:segments", [added, false]), // it only adds to those that are there
    startContent(kind, id) {
      if (kind === "article") {
        push("do", "helpdesk:article:open", [core.doc.documentElement.lang.slice(0, 2) || "en", id]);
      } else push("do", kind === "scenario" ? "bot:scenario:run" : "trigger:run", [id]);
    },
    end,
  };

  /** @param {Record<string, any>} values */
  function trim(values) {
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null && value !== ""));
  }
}
