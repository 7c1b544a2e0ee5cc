/**
 * Palaver's adapter. The vendor's script only puts `window.palaver` there: nothing runs until `run` is called, which is
 * what `loaded` is for.
 *
 * @param {LiveChat.Vendor & LiveChat.Rest} vendor @param {LiveChat.AdapterCore} core @returns {LiveChat.Adapter}
 */
function adapter(vendor, core) {
  /** @type {LiveChat.Page} */
  let page;
  let ended = false;
  const palaver = () => core.global("palaver");

  function loaded() {
    const { url, token } = vendor.settings;
    palaver().on("ready", ready);
    palaver().on("open", () => core.report("open"));
    palaver().on("close", () => {
      core.report("close");
      if (!core.vendorLauncher()) palaver().show(false);
    });
    palaver().on("message", (/** @type {string} */ author) => core.report("message", { author }));
    palaver().on("unread", (/** @type {number} */ count) => core.report("unread", { count }));
    palaver().on("status", (/** @type {string} */ status) => core.report("status", { status }));
    palaver().run({ url, token, side: page.settings.position.side });
  }

  function ready() {
    if (!core.vendorLauncher()) palaver().show(false);
    introduce();
    core.report("status", { status: palaver().status() });
    core.ready();
  }

  function introduce() {
    const { visitor, proof, context } = page;
    if (visitor) palaver().identify({ ...visitor, hash: proof?.hash });
    palaver().describe(context);
  }

  return {
    start(current) {
      page = current;
      ended = false;
    },
    loaded,
    identify(current) {
      if (ended) return false; // the script keeps what it knows until the page is loaded anew
      page = current;
      introduce();
    },
    open(text) {
      palaver().show(true);
      palaver().open(text);
    },
    close: () => palaver().close(),
    show: () => palaver().show(true),
    hide: () => palaver().show(false),
    track: () => core.unsupported("an event"),
    update: (attributes) => palaver().describe(attributes),
    startContent: () => {}, // it has none of the kinds
    async end() {
      ended = true;
      if (palaver()) palaver().reset();
    },
  };
}
