// Transactional messages: sections fold and stay folded, several rows are chosen and changed at
// once. Without this file all sections are open, and the bar under the list is a plain form.
(function () {
  "use strict";

  var FOLDED = "postroom.messages.folded";
  var bar = document.getElementById("bulk");
  if (!bar) {
    return;
  }
  var say = document.getElementById("bulk-say");
  // Codes, not boxes: a row that was saved is another row, and a filter hides what stays chosen.
  var chosen = new Set();
  var last = null;

  function each(selector, act, within) {
    Array.prototype.forEach.call((within || document).querySelectorAll(selector), act);
  }

  function folded() {
    try {
      return JSON.parse(window.localStorage.getItem(FOLDED)) || [];
    } catch (error) {
      return [];
    }
  }

  function fold(section, shut) {
    section.classList.toggle("folded", shut);
    section.querySelector(".fold").setAttribute("aria-expanded", String(!shut));
  }

  function remember(code, shut) {
    var codes = folded().filter(function (each) { return each !== code; });
    try {
      window.localStorage.setItem(FOLDED, JSON.stringify(shut ? codes.concat(code) : codes));
    } catch (error) {
      return; // A browser that keeps nothing folds for as long as the page is open.
    }
  }

  // What was looked for is shown, wherever it lies.
  function foldAll() {
    var list = document.getElementById("list");
    var codes = list.hasAttribute("data-found") ? [] : folded();
    each("[data-section]", function (section) {
      fold(section, codes.indexOf(section.dataset.section) >= 0);
    });
  }

  function openLinked() {
    var linked = window.location.hash.indexOf("#section-") === 0 && document.getElementById(window.location.hash.slice(1));
    if (linked) {
      fold(linked, false);
      remember(linked.dataset.section, false);
      linked.scrollIntoView();
    }
  }

  function boxes(within) {
    return Array.prototype.slice.call((within || document).querySelectorAll('#list input[name="codes"]'));
  }

  function choose(box, on) {
    box.checked = on;
    chosen[on ? "add" : "delete"](box.value);
  }

  function summarize(head, own) {
    var on = own.filter(function (box) { return box.checked; }).length;
    head.checked = own.length > 0 && on === own.length;
    head.indeterminate = on > 0 && on < own.length;
  }

  function show() {
    boxes().forEach(function (box) {
      box.checked = chosen.has(box.value);
      box.closest("tr").classList.toggle("picked", box.checked);
    });
    each("[data-pick-all]", function (head) { summarize(head, boxes()); });
    each("[data-pick-section]", function (head) { summarize(head, boxes(head.closest("tbody"))); });
    bar.classList.toggle("open", chosen.size > 0);
    bar.querySelector("[data-bulk-count]").textContent = String(chosen.size);
    hidden();
  }

  // What is chosen and not shown goes along as hidden fields, so that the bar changes what it counts.
  function hidden() {
    each('input[type="hidden"][name="codes"]', function (field) { field.remove(); }, bar);
    var shown = boxes().map(function (box) { return box.value; });
    chosen.forEach(function (code) {
      if (shown.indexOf(code) < 0) {
        var field = document.createElement("input");
        field.type = "hidden";
        field.name = "codes";
        field.value = code;
        bar.append(field);
      }
    });
  }

  function clear() {
    chosen.clear();
    last = null;
    say.replaceChildren();
    show();
  }

  function toggleAll(within, on) {
    boxes(within).forEach(function (box) { choose(box, on); });
    show();
  }

  // A click with Shift (or Space with Shift) takes all from the last one on.
  document.addEventListener("click", function (click) {
    var box = click.target;
    if (box.matches('#list input[name="codes"]')) {
      var all = boxes();
      var from = all.indexOf(last);
      var to = all.indexOf(box);
      choose(box, box.checked);
      if (click.shiftKey && from >= 0) {
        all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach(function (one) { choose(one, box.checked); });
      }
      last = box;
      show();
      return;
    }
    var folder = box.closest(".fold");
    if (folder) {
      var section = folder.closest("[data-section]");
      var shut = !section.classList.contains("folded");
      fold(section, shut);
      remember(section.dataset.section, shut);
    } else if (box.matches("[data-pick-all]")) {
      toggleAll(document, box.checked);
    } else if (box.matches("[data-pick-section]")) {
      toggleAll(box.closest("tbody"), box.checked);
    } else if (box.closest("[data-bulk-all]")) {
      toggleAll(document, true);
    } else if (box.closest("[data-bulk-clear]")) {
      clear();
    } else if (box.closest("[data-bulk-hush]")) {
      click.preventDefault();
      say.replaceChildren();
    } else if (box.closest("[data-picking]")) {
      var button = box.closest("[data-picking]");
      var picking = document.getElementById("list").classList.toggle("picking");
      button.setAttribute("aria-pressed", String(picking));
      if (!picking) {
        clear();
      }
    } else if (box.closest(".opener")) {
      var opened = box.closest("tr").classList.toggle("opened");
      box.closest(".opener").setAttribute("aria-expanded", String(opened));
    } else if (box.closest(".jump a")) {
      box.closest("details").open = false;
    }
  });

  document.addEventListener("keydown", function (key) {
    if (key.key === "Escape" && chosen.size && !document.querySelector("dialog[open], details.pop[open]")) {
      clear();
    }
  });

  // The server sends every row and count that has changed; a filter may have hidden some of them.
  document.addEventListener("htmx:beforeSwap", function (swap) {
    var parsed = document.createElement("template");
    parsed.innerHTML = swap.detail.serverResponse;
    each("template", function (part) {
      var changed = part.content.firstElementChild;
      if (changed && changed.hasAttribute("hx-swap-oob") && !document.getElementById(changed.id)) {
        part.remove();
      }
    }, parsed.content);
    swap.detail.serverResponse = parsed.innerHTML;
  });

  // A row that was saved comes back with its box as the server has it.
  document.addEventListener("htmx:afterSettle", function (settled) {
    if (settled.detail.target && settled.detail.target.id !== "list" && settled.detail.target.id !== "catalogue") {
      show();
      return;
    }
    foldAll();
    show();
  });

  document.addEventListener("htmx:afterRequest", function (request) {
    if (request.detail.elt === bar && request.detail.successful && !say.querySelector("[name=answer]")) {
      clear();
    }
  });

  // Undo of many rows changes the rows, not the page.
  document.addEventListener("submit", function (submit) {
    var toast = submit.target.closest("#toasts .toast-x");
    if (toast && window.htmx && submit.target.action.indexOf("/messages/undo/") >= 0) {
      submit.preventDefault();
      window.htmx.ajax("POST", submit.target.action, { target: "#bulk-say", swap: "innerHTML" });
      toast.remove();
    }
  });

  window.addEventListener("hashchange", openLinked);
  boxes().forEach(function (box) { choose(box, box.checked); });
  foldAll();
  show();
  openLinked();
})();
