// Whoever came here asked for a person: the chat opens by itself where the page has one.
window.livechat?.open();
