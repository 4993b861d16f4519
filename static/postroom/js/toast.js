// Short messages at the foot of the page. The server renders them (Django's messages); htmx answers
// raise them with the header HX-Trigger: {"postroom:toast": {"text": …, "level": …, "undo": url}}.
(function () {
  "use strict";

  var list = document.getElementById("toasts");
  var blank = document.getElementById("toast-blank");
  if (!list || !blank) {
    return;
  }
  var SHOWN_MS = 6000;
  var SHOWN_WITH_UNDO_MS = 12000;

  function settle(toast) {
    var wait = toast.querySelector("form") ? SHOWN_WITH_UNDO_MS : SHOWN_MS;
    var timer = null;
    function start() {
      // A failure stays until it has been read and closed.
      if (!toast.classList.contains("bad")) {
        timer = window.setTimeout(function () { toast.remove(); }, wait);
      }
    }
    function stop() {
      window.clearTimeout(timer);
    }
    toast.addEventListener("mouseenter", stop);
    toast.addEventListener("mouseleave", start);
    toast.addEventListener("focusin", stop);
    toast.addEventListener("focusout", start);
    toast.querySelector("[data-toast-close]").addEventListener("click", function () { toast.remove(); });
    start();
  }

  function show(detail) {
    var toast = blank.content.firstElementChild.cloneNode(true);
    var level = detail.level || "ok";
    var alarming = level === "bad" || level === "warn";
    var undo = toast.querySelector("form");
    toast.classList.add(level);
    toast.querySelectorAll("[data-level]").forEach(function (icon) {
      icon.toggleAttribute("hidden", icon.dataset.level !== (alarming ? "bad" : "ok"));
    });
    toast.querySelector("[data-toast-text]").textContent = detail.text;
    if (detail.undo) {
      undo.setAttribute("action", detail.undo);
    } else {
      undo.remove();
    }
    list.append(toast);
  }

  new MutationObserver(function (changes) {
    changes.forEach(function (change) {
      change.addedNodes.forEach(function (node) {
        if (node.nodeType === Node.ELEMENT_NODE && node.matches(".toast-x")) {
          settle(node);
        }
      });
    });
  }).observe(list, { childList: true });

  list.querySelectorAll(".toast-x").forEach(settle);
  document.addEventListener("postroom:toast", function (raised) { show(raised.detail); });

  // A request that failed must never look as if it had been saved.
  // 403: the page is older than the sign-in or the role, so trying again would not help.
  function failed(failure) {
    var status = failure.detail.xhr ? failure.detail.xhr.status : 0;
    show({ level: "bad", text: status === 403 ? list.dataset.refused : list.dataset.failed });
  }
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);
})();
