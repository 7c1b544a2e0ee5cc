/**
 * The help panel answers before anybody asks a person: a field, up to three articles, a flow's choices, and the way
 * to a person beside all of it. It needs nothing of the vendor's. It also shows answers under the fields of forms.
 *
 * @param {LiveChat.Core} core @param {Record<string, string>} languages each one's file @returns {LiveChat.Panel}
 */
function panel({ base, call, chat, doc, inject, keyOf, matches, safely, vendor }, languages) {
  const PAUSE_MS = 250; // after the last key until an answer is looked for
  const STATUS_MS = 700; // until a screen reader is told of it
  const MIN_CHARS = 2;
  const MAX_CHARS = 120; // of a question
  const MAX_BYTES = 240; // of what a step of a flow takes
  const MAX_VALUE_CHARS = 255; // of an attribute
  const RTL = /^(ar|ckb|dv|fa|he|iw|ks|ps|sd|ug|ur|yi)\b|-arab/;
  /** @type {LiveChat.PanelTexts} */
  let texts = {
    question: "How can we help?", human: "Talk to a human", message: "Leave a message", answers: "Answers: {n}",
    nothing: "No article answers that.", send: "Send", close: "Close", opens: "Somebody is here again: {when}",
  };
  let textsLanguage = "en";
  /** The panel, while it is open. @type {ReturnType<typeof build> | null} */
  let view = null;
  /** @type {HTMLElement | undefined} */
  let launcher;
  /** What this page has sent as an event. @type {Record<string, string> | undefined} */
  let tracked;
  /** Whether the answer to a step is on its way. */
  let stepping = false;
  /** What this tab has asked, seen and counted so far, and where it is in a flow.
   * @type {{
   *   text: string, seen: string[], counted: string[], opened?: boolean, flow?: string, reply?: LiveChat.FlowReply,
   *   unanswered?: string,
   * }} */
  const state = {
    text: "", seen: [], counted: [],
    ...safely(() => JSON.parse(sessionStorage.getItem(keyOf("help")) || "{}")),
  };

  translate();
  addEventListener("keydown", (event) => {
    const path = event.composedPath();
    if (event.key !== "Escape" || !view || ![view.host, launcher, doc.body].includes(/** @type {any} */ (path[0]))
      && !path.includes(view.host)) return;
    event.preventDefault(); // a dialog that the panel is in stays
    event.stopPropagation();
    close();
    launcher?.focus();
  }, true);
  return { toggle, attach, opened };

  function toggle(/** @type {HTMLElement} */ element) {
    if (view?.host.isConnected) return close();
    launcher = element;
    open();
  }

  function open() {
    view = build();
    const { host, field } = view;
    place(host);
    field.value = state.text;
    // The click asks for it. Whoever has gone on to something else meanwhile stays there.
    const { activeElement: active } = doc;
    if (!active || active === doc.body || active === launcher || active === chat.own) field.focus();
    launcher?.setAttribute("aria-expanded", "true");
    view.look();
    const { flow } = help();
    if (flow !== state.flow) state.reply = undefined;
    state.flow = flow;
    if (state.reply) showStep();
    else if (flow) step(null);
  }

  function close() {
    view?.host.remove();
    view = null;
    reportUnanswered();
    launcher?.setAttribute("aria-expanded", "false");
  }

  function help() {
    return chat.page.settings.help || {};
  }

  function locale() {
    return chat.page.settings.locale || doc.documentElement.lang || navigator.language;
  }

  function save() {
    safely(() => sessionStorage.setItem(keyOf("help"), JSON.stringify(state)));
  }

  // The way to a person.

  function toHuman() {
    const message = question();
    // What the visitor writes next stands behind it: "My order: it is late".
    const draft = message && message + (message === state.reply?.handoff.path ? ": " : " ");
    carry(true);
    save();
    close();
    call("open", (vendor.message && draft) || launcher?.dataset.livechatMessage, launcher, Date.now());
  }

  /** What was asked: the way through a flow and what was written, in one line. */
  function question() {
    const { text, reply } = state;
    const way = reply?.handoff.message || "";
    return way.includes(text) ? way : [way, text].filter(Boolean).join(": ");
  }

  /** Hands over what was asked and shown, as the vendor takes it. @param {boolean=} wanted by the panel's button */
  function carry(wanted) {
    const { seen, reply } = state;
    const { path, fields = {}, segment, transcript } = reply?.handoff || {};
    // The server hands over, too, so it hears once of a walk that ends here. A visitor who only saw a flow walked none.
    const isIn = wanted || path || Object.keys(fields).length;
    if (reply && !reply.end && isIn) post("flow", stepBody(reply, { choice: reply.end = "human" }), "same-origin");
    const shown = [reply?.handoff.help_seen, ...seen].filter(Boolean).join(", ");
    /** @type {Record<string, any>} */
    const values = { ...fields, help_path: path, help_seen: shown, question: !vendor.message && question() };
    const attributes = Object.fromEntries(Object.entries(values).filter(([, value]) => value)
      .map(([name, value]) => [name, String(value).slice(0, MAX_VALUE_CHARS)]));
    if (Object.keys(attributes).length) call("update", attributes);
    if (path && segment) chat.page.events.push({ segment: [segment], unsegment: [] });
    // It is empty where agents get it as a note.
    const isNew = transcript && Object.keys(transcript).length && tracked !== transcript;
    if (isNew) call("track", "help-handoff", tracked = transcript);
  }

  function opened() {
    close();
    if (state.text || state.reply) carry(); // the page may have been loaded anew on the way
    if (state.counted.includes("read")) count("readchat");
    Object.assign(state, { text: "", seen: [], reply: undefined, opened: true });
    save();
  }

  /** Counts something once in this tab, of nobody. @param {"asked" | "read" | "readchat"} what */
  function count(what) {
    if (state.counted.includes(what)) return;
    state.counted.push(what);
    save();
    if (vendor.kept) post("opens", { provider: vendor.name, help: what }, "omit");
  }

  /** Says once in this tab what no article answered, when somebody is done with it: not each word on the way. */
  function reportUnanswered() {
    const { unanswered: q, counted } = state;
    state.unanswered = undefined;
    if (!q || !vendor.kept || counted.includes("?" + q)) return;
    counted.push("?" + q);
    save();
    post("opens", { provider: vendor.name, help: "nothing", q, locale: locale() }, "omit");
  }

  /** @param {string} where @param {object} body @param {RequestCredentials} credentials @param {number=} waitS
   * @returns {Promise<any>} null without an answer */
  function post(where, body, credentials, waitS = 20) {
    return fetch(base + where, {
      method: "POST", keepalive: true, credentials, headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body), signal: AbortSignal.timeout?.(waitS * 1000),
    }).then((answer) => (answer.ok && answer.status === 200 ? answer.json() : null)).catch(() => null);
  }

  // Answers.

  /** Shows answers to what is written in a field: links, and one polite word of them after a pause.
   * @param {HTMLInputElement | HTMLTextAreaElement} field @param {Element} list @param {Element} status
   * @param {string=} target of the links @returns {() => void} looks at once */
  function suggest(field, list, status, target) {
    let asked = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const look = async () => {
      const text = field.value.replace(/\s+/g, " ").trim().slice(0, MAX_CHARS);
      if (text === asked || !(target || help().articles)) return;
      asked = text;
      const answers = text.length < MIN_CHARS ? [] : await fetchAnswers(text);
      if (asked !== text || !answers) return; // somebody has written on
      list.replaceChildren(...answers.map((answer) => link(answer, target)));
      state.seen = [...new Set([...answers.map(({ title }) => title), ...state.seen])].slice(0, 3);
      if (text.length >= MIN_CHARS) count("asked");
      // What is written into a form is for whoever gets it; what a flow asks for is no question.
      if (!target) state.unanswered = answers.length || text.length < MIN_CHARS || state.reply?.ask ? undefined : text;
      if (!view) reportUnanswered();
      save();
      timer = setTimeout(() => {
        const word = answers.length ? texts.answers.replace("{n}", String(answers.length)) : texts.nothing;
        status.textContent = text.length < MIN_CHARS ? "" : word;
      }, STATUS_MS);
    };
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE_MS);
    });
    return look;
  }

  /** @param {string} text @returns {Promise<LiveChat.Answer[] | null>} */
  async function fetchAnswers(text) {
    const query = new URLSearchParams({ q: text, locale: locale() });
    const answer = await fetch(`${base}suggest?${query}`, { credentials: "same-origin" }).catch(() => null);
    const body = answer?.ok ? await answer.json().catch(() => null) : null;
    return body?.results || null;
  }

  /** @param {LiveChat.Answer} answer @param {string=} target */
  function link({ title, url, excerpt }, target) {
    const anchor = make("a", { href: url, ...(target && { target, rel: "noopener" }) }, title);
    anchor.addEventListener("click", () => count("read"));
    return make("li", {}, anchor, make("p", {}, excerpt));
  }

  /** @param {HTMLTextAreaElement | HTMLInputElement} field */
  function attach(field) {
    if (field.nextElementSibling?.shadowRoot) return;
    const list = make("ul", {});
    const status = make("p", { role: "status" });
    const host = createHost("block", make("div", { class: "under" }, status, list));
    field.after(host);
    suggest(field, list, status, "_blank")(); // what is written into the form stays
  }

  // Flows.

  /** Takes a step of the flow. Whatever goes wrong in it leads to a human.
   * @param {{choice?: number | string, text?: string} | null} input null begins one */
  async function step(input) {
    const { reply } = state;
    if (stepping) return;
    stepping = true;
    const next = await post("flow", stepBody(reply, input), "same-origin", reply?.wait_s || 4);
    stepping = false;
    if (!view || state.reply !== reply) return; // it was closed meanwhile, or has gone on
    if (!next) return void (input && toHuman());
    state.reply = next;
    if (input) count("asked");
    save();
    if (next.end === "human") return toHuman();
    showStep(!!input);
    if (next.end) state.reply = undefined;
    save();
  }

  /** @param {LiveChat.FlowReply | undefined} reply @param {{choice?: number | string, text?: string} | null} input */
  function stepBody(reply, input) {
    return { flow: help().flow, state: reply?.state ?? null, input, locale: locale(), provider: vendor.name };
  }

  /** Shows where the flow is. @param {boolean=} asked whether the visitor has just done something in it */
  function showStep(asked) {
    if (!view || !state.reply) return;
    const { ask, answer, articles, choices, done, say } = state.reply;
    const { field, flow, label, root, send } = view;
    const within = flow.contains(root.activeElement);
    label.textContent = ask ? say : texts.question;
    send.hidden = !ask;
    if (ask || asked) field.value = "";
    const buttons = [...choices, ...(done ? [{ label: done, choice: "done" }] : [])].map(({ label: name, choice }) => {
      const button = make("button", { type: "button" }, name);
      button.addEventListener("click", () => step({ choice }));
      return button;
    });
    flow.replaceChildren(
      ...(ask ? [] : [make("p", {}, say)]), ...(answer ? [make("p", {}, answer)] : []),
      make("ul", {}, ...articles.map((article) => link(article))), ...buttons);
    if (!asked) return;
    // The button that had the focus is gone. What is said is read from where the focus is now.
    if (within) (ask ? field : flow).focus();
    else view.status.textContent = say;
  }

  /** @param {string} text as long as a step takes it */
  function cut(text) {
    const characters = [...text];
    while (new TextEncoder().encode(JSON.stringify(characters.join(""))).length - 2 > MAX_BYTES) characters.pop();
    return characters.join("");
  }

  // What is seen.

  function build() {
    const { closed } = chat.page.settings;
    const label = make("label", { for: "field", id: "label" }, texts.question);
    const shut = make("button", { type: "button", class: "close", "aria-label": texts.close }, "×");
    const field = /** @type {HTMLInputElement} */ (
      make("input", { id: "field", maxlength: String(MAX_BYTES), autocomplete: "off", enterkeyhint: "search" }));
    const human = make("button", { type: "button", class: "human" }, closed ? texts.message : texts.human);
    const send = make("button", { type: "submit", hidden: "" }, texts.send);
    const status = make("p", { role: "status" });
    const list = make("ul", {});
    const flow = make("div", { tabindex: "-1", class: "flow" });
    // The human is the next stop after the field, and stays above what scrolls.
    const form = make("form", {}, make("header", {}, label, shut), field, human, ...opening(), send);
    const host = createHost("fixed", make(
      "section", { role: "dialog", "aria-labelledby": "label" }, form,
      make("div", { class: "scroll", tabindex: "-1" }, status, list, flow)));
    const look = suggest(field, list, status);
    field.addEventListener("input", () => {
      if (!state.reply?.ask) state.text = field.value;
      save();
    });
    field.addEventListener("change", reportUnanswered);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = cut(field.value.trim());
      if (!text) return;
      // A word for a person counts before the first choice, too. After it the field is for articles.
      const { reply } = state;
      if (reply && !reply.ask && !reply.handoff.path) state.reply = undefined;
      if (reply && (reply.ask || !state.reply)) step({ text });
      if (!reply?.ask) look();
    });
    shut.addEventListener("click", () => {
      close();
      launcher?.focus();
    });
    human.addEventListener("click", toHuman);
    return { host, root: /** @type {ShadowRoot} */ (host.shadowRoot), field, flow, label, look, send, status };
  }

  /** When somebody will be there, by the visitor's own clock. */
  function opening() {
    const { opens } = help();
    const when = opens && safely(() => new Intl.DateTimeFormat(
      textsLanguage, { weekday: "long", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" },
    ).format(new Date(opens)));
    return when ? [make("p", {}, texts.opens.replace("{when}", when))] : [];
  }

  /** An element with attributes and what is in it. @param {string} name @param {Record<string, string>} attributes
   * @param {(Node | string)[]} children */
  function make(name, attributes, ...children) {
    const element = doc.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /** Draws in the page's language, else the browser's, once its file is here. */
  function translate() {
    const tags = [locale(), navigator.language, "en"].map((tag) => tag.replace("_", "-").toLowerCase());
    const best = tags.flatMap((tag) => [tag, tag.split("-")[0]]).find((tag) => languages[tag] || tag === "en");
    if (!best || !languages[best]) return;
    inject(languages[best], { livechat(/** @type {() => any} */ read) {
      [textsLanguage, texts] = [best, read()];
      if (!view) return;
      close();
      open();
    } });
  }

  /** Puts the panel beside the body, out of the way of swaps, or into the modal dialog that its launcher is in, which
   * makes all else inert. @param {HTMLElement} host */
  function place(host) {
    /** @type {any} */
    let node = launcher;
    while (node && !node.closest("dialog")) node = node.getRootNode().host;
    const dialog = node?.closest("dialog");
    if (!matches(dialog, ":modal")) return doc.documentElement.append(host);
    dialog.append(host);
    safely(() => Object.assign(host, { popover: "manual" }).showPopover()); // no overflow of the dialog's cuts it
  }

  /** @param {"fixed" | "block"} kind @param {Element} content */
  function createHost(kind, content) {
    const host = doc.createElement("div");
    host.dataset.livechatPanel = "";
    const shadow = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles(kind));
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(content);
    host.lang = textsLanguage;
    host.dir = RTL.test(textsLanguage) ? "rtl" : "ltr";
    return host;
  }

  /** Through the CSSOM, so that a strict style-src holds. @param {"fixed" | "block"} kind */
  function styles(kind) {
    const { side = "right", x = 20, y = 20 } = chat.page.settings.position || {};
    // Values only: no text of the page enters the CSS.
    const edge = side === "left" ? "left" : "right";
    const [across, up] = [x, y].map((px) => Number(px) || 0);
    return `:host{all:initial!important;${kind === "fixed"
      ? "position:fixed!important;inset:auto!important;width:0!important;height:0!important;overflow:visible!important;"
        + "z-index:2147483001!important" : "display:block!important"}}`
      + "*{box-sizing:border-box;font:15px/1.4 system-ui,sans-serif;overflow-wrap:anywhere}"
      + `section{position:fixed;${edge}:max(8px,min(${across}px,100vw - 380px));bottom:min(${up + 66}px,20vh);`
      + "width:min(370px,100vw - 16px);max-height:min(560px,75vh);display:flex;flex-direction:column;"
      + "border:1px solid #0003;border-radius:12px;box-shadow:0 4px 24px #0004;background:#fff;color:#111}"
      + "form{padding:12px 16px;border-bottom:1px solid #0002}.scroll{overflow:auto;padding:8px 16px}"
      + "header{display:flex;align-items:center;justify-content:space-between}label{font-weight:600}"
      + "input{width:100%;padding:9px 12px;border:1px solid #767676;border-radius:8px;background:#fff;color:#111}"
      + "button{min-height:40px;margin:8px 8px 0 0;padding:6px 14px;border:1px solid #1f3a5f;border-radius:20px;"
      + "background:none;color:#1f3a5f;cursor:pointer;text-align:start}"
      + ".human{background:#1f3a5f;color:#fff}.close{min-width:40px;margin:-4px -8px 0 0;border:0;font-size:22px;"
      + "text-align:center}"
      + "a{color:#1f3a5f;font-weight:600}ul{list-style:none;margin:0;padding:0}li{padding:8px 0}"
      + "p{margin:4px 0}li p,form p,[role=status]{color:#555;font-size:14px}.flow{padding-bottom:8px;outline:0}"
      + "[hidden],:empty:not(input){display:none}[role=status]:empty{display:block;margin:0}"
      + ":focus-visible{outline:3px solid #1f3a5f;outline-offset:2px}.human:focus-visible{outline-offset:3px}"
      + ".under{padding:4px 12px;background:#fff;color:#111}.under:not(:has(li,p:not(:empty))){padding:0}"
      + "@media(max-width:640px){section{inset:auto 8px 8px;width:auto;max-height:85vh}}"
      + "@media(prefers-color-scheme:dark){section,.under{background:#222;color:#eee;border-color:#fff4}"
      + "input{background:#111;color:#eee}button,a{color:#a8c7fa;border-color:#a8c7fa}"
      + ".human{background:#a8c7fa;color:#0b1f3a}li p,form p,[role=status]{color:#bbb}"
      + ":focus-visible{outline-color:#a8c7fa}}"
      + "@media print{*{display:none!important}}";
  }
}
