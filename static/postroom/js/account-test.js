// The test of an account: the box that asks for an address closes when the test has begun, and the
// keyboard goes to the result. Without this file all of it works by plain forms.
(function () {
  "use strict";

  document.addEventListener("htmx:beforeRequest", function (sent) {
    var pop = sent.target.closest(".test-pop[open]");
    if (pop) {
      pop.open = false;
    }
  });

  document.addEventListener("htmx:afterSwap", function (swapped) {
    var row = swapped.detail.target;
    var begun = swapped.detail.requestConfig && swapped.detail.requestConfig.verb === "post";
    if (begun && row.id && row.id.indexOf("test-") === 0) {
      var shown = document.getElementById(row.id).querySelector("[data-test-focus]");
      if (shown) {
        shown.focus();
        shown.scrollIntoView({ block: "nearest" });
      }
    }
  });

  document.addEventListener("toggle", function (toggled) {
    if (toggled.target.matches(".test-pop[open]")) {
      toggled.target.querySelector("input[name=to]").select();
    }
  }, true);
})();
