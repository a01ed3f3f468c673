/** The page's entry. */
import { render } from "preact";
import { App } from "./app.js";
import "./tokens.css";
import "./theme.css";

const root = document.getElementById("app");
if (root !== null) {
  root.replaceChildren();
  render(<App />, root);
}
