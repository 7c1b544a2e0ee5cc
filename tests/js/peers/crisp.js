// Crisp's official package, as its documentation uses it.
import { Crisp } from "crisp-sdk-web";

window.peer = Crisp;
Crisp.configure("42286ab3-b29a-4fde-8538-da0ae501d825", { autoload: false });
