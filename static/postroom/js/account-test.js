// The test of an account: the box that asks for an address closes when the test has begun, and the
// keyboard goes to the result; a row that was read is closed by its x. Without this file all of it works by plain forms.
(function () {
  "use strict";

  // To the button that begins a test of the same account.
  function backToButton(row) {
    var button = row.closest("tbody").querySelector(".test-pop > summary");
    if (button) {
      button.focus();
    }
  }

  document.addEventListener("click", function (clicked) {
    var close = clicked.target.closest("[data-test-close]");
    if (close) {
      var row = close.closest("tr");
      row.hidden = true;
      backToButton(row);
    }
  });

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
      var now = document.getElementById(row.id);
      var shown = now.matches("[data-test-focus]") ? now : now.querySelector("[data-test-focus]");
      if (now.hidden) {
        backToButton(now);
      } else if (shown) {
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
