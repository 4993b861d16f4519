// The e-mail log: a click opens the message beside the list where there is room, j and k (or the
// arrows, once a line has the focus) move through the list. Without this file a click opens the
// message on a page of its own.
(function () {
  "use strict";

  var list = document.getElementById("log-list");
  var viewer = document.getElementById("viewer");
  var room = window.matchMedia("(min-width: 1081px)");
  var filters = document.querySelector(".fb-more");
  if (!list || !viewer) {
    return;
  }
  // On a phone the filter bar is folded until it is asked for or in use.
  if (window.matchMedia("(max-width: 900px)").matches && !filters.querySelector(".set")) {
    filters.open = false;
  }

  function lines() {
    return Array.prototype.slice.call(list.querySelectorAll("[data-open]"));
  }

  function mark(id) {
    lines().forEach(function (line) {
      line.toggleAttribute("aria-current", false);
      if (line.dataset.open === id) {
        line.setAttribute("aria-current", "true");
      }
    });
  }

  function opened() {
    return new URL(window.location.href).searchParams.get("open");
  }

  function open(line) {
    var address = new URL(line.href);
    address.search = "?in_list=1";
    var here = new URL(window.location.href);
    here.searchParams.set("open", line.dataset.open);
    window.history.replaceState(window.history.state, "", here);
    mark(line.dataset.open);
    window.htmx.ajax("GET", address.toString(), { target: "#viewer", source: viewer }).then(function () {
      viewer.scrollTop = 0;
    });
  }

  document.getElementById("log-filter").addEventListener("input", function (input) {
    var label = input.target.closest(".fl");
    if (label) {
      label.classList.toggle("set", input.target.value !== "");
    }
  });

  list.addEventListener("click", function (click) {
    var line = click.target.closest("[data-open]");
    var plain = click.button === 0 && !click.ctrlKey && !click.metaKey && !click.shiftKey;
    if (line && plain && room.matches && window.htmx) {
      click.preventDefault();
      open(line);
    }
  });

  // A list that was fetched anew does not know what the viewer shows.
  document.addEventListener("htmx:afterSwap", function (swap) {
    if (swap.detail.target === list) {
      mark(opened());
    }
  });

  function typing(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }

  document.addEventListener("keydown", function (key) {
    var inList = list.contains(document.activeElement);
    var step = { j: 1, k: -1, ArrowDown: inList ? 1 : 0, ArrowUp: inList ? -1 : 0 }[key.key];
    if (!step || key.ctrlKey || key.metaKey || key.altKey || typing(key.target)) {
      return;
    }
    var all = lines();
    var at = all.indexOf(document.activeElement);
    if (at < 0) {
      at = all.findIndex(function (line) { return line.hasAttribute("aria-current"); });
    }
    var next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    if (next) {
      key.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
  });
})();
