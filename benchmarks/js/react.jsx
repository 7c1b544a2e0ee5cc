// The peers' page without chat: React weighs something of its own.
import { mount } from "./mount.js";

mount(<span />);
