// The template editor: keeps what is typed as a draft, shows what is wrong with it at its line, and
// the mail it makes. Without this file the page's buttons do the same, one page at a time.
(function () {
  "use strict";

  var form = document.getElementById("words");
  if (!form) {
    return;
  }
  var locked = Boolean(form.dataset.locked);
  form.classList.toggle("locked", locked);
  var AFTER_MS = 500;
  var MOST_ON_LEAVING = 60000; // bytes; browsers let 64 KiB outlive the page
  var save = document.getElementById("save");
  var order = document.getElementById("order");
  var frame = document.getElementById("frame");
  var shown = frame.getAttribute("src");
  var kept = document.getElementById("part-kept");
  var problems = null; // from the last check; until then the server's page has them
  var timer = null, running = false, again = false;
  var typed = 0, held = 0; // changes that were made here, and the last one that the server has
  var refused = false; // by the last answer, or there was none
  var pictures = false; // from outside: only where somebody has asked for them
  var last = "html"; // the part that was written in last

  function area(part) { return form.querySelector('textarea[data-part="' + part + '"]'); }

  function show(part) {
    var choice = form.querySelector('[name="part"][value="' + part + '"]');
    var side = document.querySelector('[name="side"][value="words"]');
    if (choice) {
      choice.checked = true;
    }
    side.checked = true;
  }

  function place() {
    form.querySelectorAll("textarea[data-part]").forEach(function (each) {
      if (each.codeEditor && problems) {
        each.codeEditor.showProblems(problems.filter(function (one) { return one.part === each.dataset.part; }));
      }
    });
  }

  function load(url) {
    if (url && pictures) {
      url += "&pictures=1";
    }
    if (url && url !== shown) {
      shown = url;
      // In place of the page in the frame: Back leads out of the editor, not through its previews.
      frame.contentWindow.location.replace(url);
    }
  }

  function take(answer) {
    Object.keys(answer.parts).forEach(function (name) {
      var box = document.getElementById("part-" + name);
      if (box) {
        box.innerHTML = answer.parts[name];
      }
    });
    // What was said of the words before is not true of these any more.
    form.querySelectorAll("[data-of-before]").forEach(function (note) { note.remove(); });
    problems = answer.problems;
    place();
    load(answer.frame);
    if (answer.seen) {
      form.elements.seen.value = answer.seen;
    }
    save.classList.toggle("dim", !answer.inOrder);
  }

  function lost(text) {
    refused = true;
    held = -1;
    kept.textContent = text || form.dataset.lost;
    kept.classList.add("bad-t");
  }

  function check() {
    window.clearTimeout(timer);
    if (locked) {
      return;
    }
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    send(new FormData(form), false).catch(function () { lost(""); }).then(function () {
      running = false;
      if (again) {
        check();
      }
    });
  }

  function send(words, outlives) {
    var sent = typed;
    return fetch(form.dataset.check, {
      method: "POST", body: words, headers: { Accept: "application/json" }, redirect: "error", keepalive: outlives,
    }).then(function (response) {
      return response.json();
    }).then(function (answer) {
      if (answer.trouble) {
        lost(answer.trouble);
        return;
      }
      refused = !answer.isKept;
      held = refused ? -1 : sent;
      kept.classList.remove("bad-t");
      take(answer);
    });
  }

  form.addEventListener("input", function (change) {
    if (change.target.dataset.part) {
      typed += 1;
      window.clearTimeout(timer);
      timer = window.setTimeout(check, AFTER_MS);
    }
  });

  // Who leaves within the half second loses nothing: the words go by themselves, after the page is
  // gone if need be. What cannot be kept that way is asked about.
  function leave(event) {
    if (locked || !typed || typed === held) {
      return;
    }
    var words = new FormData(form);
    var isLarge = new Blob(Array.from(words.values())).size > MOST_ON_LEAVING;
    if (event.type === "beforeunload" && (refused || isLarge)) {
      event.preventDefault();
      return;
    }
    window.clearTimeout(timer);
    held = typed;
    send(words, true).catch(function () { lost(""); });
  }
  window.addEventListener("beforeunload", leave);
  window.addEventListener("pagehide", leave); // phones know no other

  // The words go along with this form; who discards the draft wants none of them kept.
  document.addEventListener("submit", function (submit) {
    if (submit.target === form || submit.target.id === "discard") {
      window.clearTimeout(timer);
      again = false;
      held = typed;
    }
  });

  document.addEventListener("postroom:code-ready", function (ready) {
    if (ready.target.form === form) {
      place();
    }
  });
  document.addEventListener("postroom:code-focus", function (focus) {
    last = focus.target.dataset.part || last;
  });
  form.addEventListener("change", function (change) {
    if (change.target.name === "part") {
      last = change.target.value;
    }
  });

  // A problem leads to its line; its button puts the right words in place of the wrong ones.
  document.addEventListener("click", function (click) {
    var at = click.target.closest("[data-goto]");
    var target = at && area(at.dataset.goto);
    if (!target || !target.codeEditor) {
      return;
    }
    click.preventDefault();
    show(at.dataset.goto);
    var line = Number(at.dataset.line), column = Number(at.dataset.column);
    if (at.dataset.use) {
      target.codeEditor.replaceAt(line, column, at.dataset.wrong, at.dataset.use);
    } else if (at.dataset.insert) {
      target.codeEditor.insert(at.dataset.insert);
    } else {
      target.codeEditor.goTo(line, column);
    }
  });

  document.addEventListener("click", function (click) {
    if (click.target.closest("[data-pictures]")) {
      click.preventDefault();
      pictures = true;
      document.querySelector(".te-r").classList.add("pictures");
      load(shown);
    }
  });

  // Variables: into the part that was written in last, with the filter that fits it.
  var palette = document.getElementById("palette");
  if (palette) {
    palette.addEventListener("mousedown", function (press) {
      if (press.target.closest(".te-v")) {
        press.preventDefault(); // the cursor stays where it is
      }
    });
    palette.addEventListener("click", function (click) {
      var chip = click.target.closest("button.te-v");
      if (!chip) {
        return;
      }
      var part = last === "html" || last === "text" ? form.elements.part.value : last;
      var target = area(part);
      if (target && target.codeEditor) {
        target.codeEditor.insert(part === "html" ? chip.dataset.html : chip.dataset.text);
      }
    });
    var find = document.getElementById("find-variable");
    find.addEventListener("input", function () {
      var words = find.value.toLowerCase().split(/\s+/);
      var any = false;
      palette.querySelectorAll(".te-gr").forEach(function (group) {
        var some = false;
        group.querySelectorAll("button.te-v").forEach(function (chip) {
          var text = (chip.dataset.name + " " + chip.title).toLowerCase();
          chip.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
          some = some || !chip.hidden;
        });
        group.hidden = !some;
        any = any || some;
      });
      document.getElementById("no-variable").hidden = any;
    });
    find.addEventListener("keydown", function (press) {
      if (press.key === "Enter") {
        press.preventDefault();
        var first = palette.querySelector(".te-gr:not([hidden]) button.te-v:not([hidden])");
        if (first) {
          first.click();
        }
      }
    });
  }

  // Another order: what is typed stays, the preview is made anew.
  document.addEventListener("click", function (click) {
    var chosen = click.target.closest("[data-order]");
    if (!chosen || locked || !order) {
      return;
    }
    click.preventDefault();
    order.value = chosen.dataset.order;
    document.getElementById("order-label").textContent = chosen.dataset.label;
    chosen.closest("details").open = false;
    document.querySelectorAll(".te-langs a").forEach(function (tab) {
      tab.search = order.value ? "?order=" + encodeURIComponent(order.value) : "";
    });
    window.history.replaceState(null, "", form.getAttribute("action") + (order.value ? "?order=" + encodeURIComponent(order.value) : ""));
    var missing = document.querySelector(".te-missing");
    if (missing) {
      missing.remove();
    }
    check();
  });

  document.addEventListener("keydown", function (press) {
    if ((press.ctrlKey || press.metaKey) && !press.shiftKey && !press.altKey && press.key.toLowerCase() === "s") {
      press.preventDefault();
      if (save && !locked) {
        save.click();
      }
    }
  });

  // What is on the page from the start has its lines marked, too.
  var first = document.getElementById("problems");
  if (first) {
    problems = JSON.parse(first.textContent);
    place();
  }
})();
