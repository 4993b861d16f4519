// The type picker: the button says what it goes on with, Enter in the address moves to the types.
(function () {
  "use strict";

  var form = document.querySelector("[data-pick]");
  var button = form && form.querySelector("[data-pick-button]");

  function name() {
    var chosen = form.querySelector("[name=kind]:checked");
    if (chosen) {
      button.textContent = chosen.dataset.goOn;
    }
  }

  if (!form) {
    return;
  }
  form.addEventListener("change", name);
  name();
  // The mailbox was found: its type is marked, and chosen unless somebody has chosen already.
  document.body.addEventListener("htmx:afterSettle", function () {
    var found = document.querySelector("#suggestion [data-kind]");
    form.querySelectorAll("[data-suggested]").forEach(function (each) { each.hidden = true; });
    if (!found) {
      return;
    }
    var radio = form.querySelector("[name=kind][value='" + found.dataset.kind + "']");
    if (radio) {
      radio.closest("label").querySelector("[data-suggested]").hidden = false;
      if (!form.dataset.chosen) {
        radio.checked = true;
        name();
      }
    }
  });
  form.addEventListener("click", function (event) {
    if (event.target.name === "kind" && event.isTrusted) {
      form.dataset.chosen = "1";
    }
  });
})();
