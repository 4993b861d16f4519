// Rows that save at once: after a change was stored, the row [data-autosave] is tinted for a while.
// When it was not stored, the controls go back to what the server has.
(function () {
  "use strict";

  var TINT_MS = 4000;

  function row(detail) {
    var target = detail.target && detail.target.id ? document.getElementById(detail.target.id) : detail.target;
    return (target && target.closest("[data-autosave]")) || (detail.elt && detail.elt.closest("[data-autosave]"));
  }

  document.addEventListener("htmx:afterSettle", function (settled) {
    var config = settled.detail.requestConfig;
    var saved = row(settled.detail);
    if (!saved || !config || config.verb === "get" || saved.querySelector('[aria-invalid="true"]')) {
      return;
    }
    saved.classList.add("saved");
    window.setTimeout(function () { saved.classList.remove("saved"); }, TINT_MS);
  });

  function putBack(failure) {
    var element = failure.detail.elt;
    var form = element && (element.form || element.closest("form"));
    if (form && row(failure.detail)) {
      form.reset();
    }
  }
  document.addEventListener("htmx:responseError", putBack);
  document.addEventListener("htmx:sendError", putBack);
})();
