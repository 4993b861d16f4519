// The page of one message type: languages of the note as tabs, the number beside the delay, the
// question about a second message, and a word of warning before what was typed is lost.
(function () {
  "use strict";

  var form = document.querySelector("[data-guard]");
  if (!form) {
    return;
  }

  var tabs = form.querySelector("[data-tabs]");
  if (tabs) {
    var buttons = Array.from(tabs.querySelectorAll("[data-tab]"));
    var show = function (chosen) {
      buttons.forEach(function (button) {
        var on = button === chosen;
        button.setAttribute("aria-selected", on);
        button.classList.toggle("on", on);
        button.tabIndex = on ? 0 : -1;
        document.getElementById(button.dataset.tab).hidden = !on;
      });
    };
    tabs.hidden = false;
    form.querySelectorAll("[data-tab-panel]").forEach(function (panel) {
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", panel.id.replace("note-", "tab-"));
    });
    buttons.forEach(function (button, at) {
      button.addEventListener("click", function () { show(button); });
      button.addEventListener("keydown", function (press) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[press.key];
        if (step) {
          var next = buttons[(at + step + buttons.length) % buttons.length];
          show(next);
          next.focus();
        }
      });
    });
    var wrong = form.querySelector("[data-tab-panel] [aria-invalid=true]");
    show(wrong ? buttons.find(function (button) {
      return document.getElementById(button.dataset.tab).contains(wrong);
    }) : buttons[0]);
  }

  var unit = form.elements.unit;
  var number = form.querySelector("[data-delay-number]");
  var settle = function () { number.hidden = unit.value === "now"; };
  unit.addEventListener("change", settle);
  settle();

  var rival = form.querySelector("[data-rival]");
  if (rival) {
    var ask = function () { rival.hidden = !form.elements.is_on.checked; };
    form.elements.is_on.addEventListener("change", ask);
    ask();
  }

  var first = form.querySelector("[aria-invalid=true]");
  if (first) {
    first.focus();
  }

  var changed = form.querySelector("[aria-invalid=true]") !== null;
  form.addEventListener("input", function () { changed = true; });
  form.addEventListener("change", function () { changed = true; });
  form.addEventListener("submit", function () { changed = false; });
  window.addEventListener("beforeunload", function (leaving) {
    if (changed) {
      leaving.preventDefault();
    }
  });
})();
