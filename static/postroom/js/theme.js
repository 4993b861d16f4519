// Runs before the first paint: the page takes the system's light or dark mode and follows it.
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var root = document.documentElement;

  function apply() {
    root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  }

  root.classList.add("js");
  apply();
  dark.addEventListener("change", apply);
})();
