// Lines of a form that are added and removed: <… data-lines="prefix"> with a data-lines-list, a
// <template data-lines-blank> of one line (its number written __prefix__) and a button data-lines-add,
// which asks the server for a line where this script does not run.
(function () {
  "use strict";

  document.querySelectorAll("[data-lines]").forEach(function (box) {
    var list = box.querySelector("[data-lines-list]");
    var blank = box.querySelector("[data-lines-blank]");
    var total = box.querySelector("[name='" + box.dataset.lines + "-TOTAL_FORMS']");
    var add = box.querySelector("[data-lines-add]");

    function remove(line) {
      line.querySelector("[name$='-DELETE']").checked = true;
      line.hidden = true;
      add.focus();
    }

    add.addEventListener("click", function (click) {
      click.preventDefault();
      var made = blank.content.firstElementChild.cloneNode(true);
      made.querySelectorAll("[name], [id], [for]").forEach(function (each) {
        ["name", "id", "for", "aria-describedby"].forEach(function (attribute) {
          if (each.hasAttribute(attribute)) {
            each.setAttribute(attribute, each.getAttribute(attribute).replace("__prefix__", total.value));
          }
        });
      });
      total.value = Number(total.value) + 1;
      list.append(made);
      made.querySelector("input, select, textarea").focus();
    });

    box.addEventListener("click", function (click) {
      var button = click.target.closest("[data-line-remove]");
      if (button) {
        remove(button.closest("[data-line]"));
        box.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });

    // What came back after a refusal and was to be removed stays out of sight.
    list.querySelectorAll("[name$='-DELETE']:checked").forEach(function (box) {
      box.closest("[data-line]").hidden = true;
    });
  });
})();
