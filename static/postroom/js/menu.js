// Drawer menu on a phone, pop-up menus (details.pop) and the keys that jump to a box (data-key).
// All of it works without this file too, by links and <details>; this adds Escape, focus and keys.
(function () {
  "use strict";

  var side = document.getElementById("menu");
  var burger = document.querySelector("[data-menu-open]");

  function drawer(open) {
    side.classList.toggle("open", open);
    burger.setAttribute("aria-expanded", String(open));
    document.querySelector(".body").inert = open;
    if (open) {
      side.querySelector("a, button").focus();
    } else {
      burger.focus();
    }
  }

  function closePops(except) {
    document.querySelectorAll("details.pop[open]").forEach(function (pop) {
      if (pop !== except && !pop.contains(except)) {
        pop.open = false;
      }
    });
  }

  // Inside a scrolling table the menu would be cut off, so it is laid over the page instead.
  function float(pop) {
    var panel = pop.querySelector(".pop-m");
    if (!panel || !pop.closest(".tbx")) {
      return;
    }
    var from = pop.getBoundingClientRect();
    panel.style.position = "fixed";
    panel.style.left = "auto";
    panel.style.right = Math.max(8, window.innerWidth - from.right) + "px";
    var below = window.innerHeight - from.bottom - 8;
    panel.style.top = (below < panel.offsetHeight ? from.top - panel.offsetHeight - 4 : from.bottom + 4) + "px";
  }

  function typing(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }

  document.addEventListener("click", function (click) {
    closePops(click.target.closest("details.pop"));
    if (side && click.target.closest("[data-menu-open]")) {
      click.preventDefault();
      drawer(true);
    } else if (side && side.classList.contains("open") && (click.target.closest("[data-menu-close]") || !side.contains(click.target))) {
      click.preventDefault();
      drawer(false);
    }
  });

  document.addEventListener("toggle", function (toggled) {
    if (toggled.target.matches("details.pop[open]")) {
      float(toggled.target);
    }
  }, true);

  window.addEventListener("scroll", function () {
    document.querySelectorAll(".tbx details.pop[open]").forEach(function (pop) {
      pop.open = false;
    });
  }, true);

  document.addEventListener("keydown", function (key) {
    if (key.key === "Escape") {
      var pop = document.querySelector("details.pop[open]");
      if (pop) {
        pop.open = false;
        pop.querySelector("summary").focus();
      } else if (side && side.classList.contains("open")) {
        drawer(false);
      }
      return;
    }
    if (key.ctrlKey || key.metaKey || key.altKey || typing(key.target)) {
      return;
    }
    var box = document.querySelector('[data-key="' + CSS.escape(key.key) + '"]');
    if (box && box.offsetParent !== null) {
      key.preventDefault();
      box.focus();
      box.select();
    }
  });

  var where = document.querySelector("[data-where-open]");
  if (where) {
    where.addEventListener("click", function () {
      window.setTimeout(function () {
        document.querySelector("#where input").focus();
      });
    });
  }
})();
