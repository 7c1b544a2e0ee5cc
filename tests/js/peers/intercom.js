// Intercom's official package, as its documentation uses it.
import Intercom, * as methods from "@intercom/messenger-js-sdk";

window.peer = { Intercom, ...methods };
