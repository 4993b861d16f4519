// <button data-copy="text"> or <button data-copy-from="#id">: puts the text on the clipboard and
// says so on the button itself (data-copied) for two seconds.
(function () {
  "use strict";

  function copy(text) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(text);
    }
    // A panel on plain http in the shop's own network has no clipboard interface.
    var area = document.createElement("textarea");
    area.value = text;
    area.className = "vh";
    document.body.append(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("copy refused"));
  }

  document.addEventListener("click", function (click) {
    var button = click.target.closest("[data-copy], [data-copy-from]");
    if (!button) {
      return;
    }
    click.preventDefault();
    var source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    var text = source ? (source.value === undefined ? source.textContent.trim() : source.value) : button.dataset.copy;
    var label = button.querySelector("[data-copy-label]") || button;
    copy(text).then(function () {
      if (!button.dataset.copied || button.dataset.was) {
        return;
      }
      button.dataset.was = label.textContent;
      label.textContent = button.dataset.copied;
      window.setTimeout(function () {
        label.textContent = button.dataset.was;
        delete button.dataset.was;
      }, 2000);
    }).catch(function () {
      window.prompt(label.textContent.trim(), text);
    });
  });
})();
