// As its README says: the provider boots, useIntercom opens.
import { useLayoutEffect } from "react";
import { IntercomProvider, useIntercom } from "react-use-intercom";
import { appId, mount, onOpen } from "./mount.js";

function Opener() {
  const { show } = useIntercom();
  useLayoutEffect(() => onOpen(show), [show]);
  return null;
}

mount(
  <IntercomProvider appId={appId} autoBoot>
    <Opener />
  </IntercomProvider>,
);
