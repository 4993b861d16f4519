// When the session has ended, an htmx request is led to the sign-in page. That page must not be
// put into a table row: the whole page is loaded again, and signing in leads back to it.
(function () {
  "use strict";

  document.addEventListener("htmx:beforeSwap", function (swap) {
    var address = swap.detail.xhr.responseURL;
    if (address && new URL(address).pathname === document.body.dataset.signIn) {
      swap.detail.shouldSwap = false;
      window.location.reload();
    }
  });
})();
