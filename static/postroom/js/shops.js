// Screens of the shop: filters that apply at once, the colours of a button while they are chosen,
// a logo before it is saved, and forms that a double click sends once.
(function () {
  "use strict";

  document.addEventListener("change", function (change) {
    if (change.target.matches("[data-submit-on-change]")) {
      change.target.form.requestSubmit();
    }
  });

  // WCAG 2.2, 1.4.3: text needs 4.5 : 1.
  function luminance(colour) {
    var parts = [1, 3, 5].map(function (at) {
      var share = parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  }

  function contrast(one, other) {
    var lights = [luminance(one), luminance(other)].sort(function (a, b) { return b - a; });
    return (lights[0] + 0.05) / (lights[1] + 0.05);
  }

  var button = document.querySelector("[data-shop-button]");
  var colours = document.querySelectorAll("[data-shop-colour]");

  function paint() {
    var chosen = {};
    colours.forEach(function (input) { chosen[input.dataset.shopColour] = input.value; });
    button.style.setProperty("--shop-accent", chosen.accent);
    button.style.setProperty("--shop-accent-text", chosen.accent_text);
    document.querySelector("[data-shop-contrast]").hidden = contrast(chosen.accent, chosen.accent_text) >= 4.5;
  }

  if (button) {
    colours.forEach(function (input) { input.addEventListener("input", paint); });
    paint();
  }

  var frame = document.querySelector("[data-logo]");
  var file = document.querySelector('input[type="file"][name="logo"]');
  if (frame && file) {
    file.addEventListener("change", function () {
      if (!file.files.length) {
        return;
      }
      var reader = new FileReader();
      reader.addEventListener("load", function () {
        var picture = document.createElement("img");
        picture.src = reader.result;
        picture.alt = file.files[0].name;
        frame.replaceChildren(picture);
      });
      reader.readAsDataURL(file.files[0]);
    });
  }

  document.querySelectorAll(".order-side form, .document-add").forEach(function (form) {
    form.addEventListener("submit", function (submit) {
      if (form.dataset.sent) {
        submit.preventDefault();
      }
      form.dataset.sent = "yes";
    });
  });
  // Back from the next page the form is to work again.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });
})();
