// Turns <textarea data-code="html|text|subject"> into a code editor for Liquid. The page includes
// panel/parts/code_editor.html in its block page_js, before scripts of its own; without script the
// textarea stays what it is.
//
// Lists to complete from, each the id of a json_script (see code-completion.js for what they hold):
//   data-variables="#variables" data-filters="#filters" data-tags="#tags"
// class="fill" on the textarea: the editor takes what is left of a flex column and scrolls inside;
// class="bare": without a border, for a box that has one.
//
// For other scripts, from the event postroom:code-ready on the textarea on (it bubbles):
//   textarea.codeEditor.showProblems([{line, column, length, severity, message}])  [] takes all away.
//       line and column count characters from 1, as the server does; without column the whole line,
//       without length the word or tag there. severity: "error", "warning" or "advice"
//   .insert(text)             at the cursor, in place of what is selected, and focuses
//   .insertVariable(name)     the same, in {{ }} unless the cursor is inside braces already
//   .goTo(line, column)       puts the cursor there, scrolls to it and focuses
//   .replaceAt(line, column, old, text)   true if `old` was there, or else once in that line
//   .setValue(text)           can be undone, like all of these
//   .focus()
// Every change is in the textarea's value at once, with an input event; change comes when the editor
// is left. Scripts that set the textarea's value themselves are not noticed: use setValue.
// postroom:code-focus on the textarea says that its editor is the one being written in (it bubbles).
(function () {
  "use strict";

  var CM = window.CodeMirror;
  var own = document.currentScript;
  var problems = window.codeProblems;
  if (!CM || !own) {
    return;
  }
  // Browsers hide the nonce from everything but scripts; the style sheet CodeMirror writes needs it.
  var nonce = own.nonce;

  var output = CM.Tag.define(), tag = CM.Tag.define(), remark = CM.Tag.define();
  var markup = CM.styleTags({ "Interpolation!": output, "Tag! EndTag!": tag, "Comment!": remark });
  var colours = CM.tagHighlighter([
    { tag: output, class: "code-out" },
    { tag: tag, class: "code-tag" },
    { tag: [remark, CM.tags.comment], class: "code-comment" },
    { tag: [CM.tags.tagName, CM.tags.angleBracket], class: "code-html" },
    { tag: CM.tags.attributeValue, class: "code-value" },
  ]);
  var plain = new CM.LanguageSupport(CM.StreamLanguage.define({
    token: function (stream) {
      stream.skipToEnd();
      return null;
    },
  }));

  function language(kind) {
    var liquid = CM.liquid({ base: kind === "html" ? CM.html() : plain });
    return [liquid.language.configure({ props: [markup] }), liquid.support];
  }

  function listOf(selector) {
    var source = selector && document.querySelector(selector);
    return source ? JSON.parse(source.textContent) : [];
  }

  function phrases() {
    var said = {}, words = document.getElementById("code-editor-words");
    (words ? words.content.querySelectorAll("data") : []).forEach(function (each) {
      said[each.value] = each.textContent;
    });
    return said;
  }

  function oneLine(text) {
    return text.replace(/\s*[\r\n]+\s*/g, " ");
  }

  // Escape, then Tab leaves the editor, however slowly; any other key makes Tab indent again.
  var leaving = CM.EditorView.domEventHandlers({
    keydown: function (event, view) {
      if (["Tab", "Shift", "Escape"].indexOf(event.key) < 0) {
        view.setTabFocusMode(false);
      }
    },
    focus: function (event, view) { view.setTabFocusMode(false); },
  });
  var escape = { key: "Escape", run: function (view) {
    view.setTabFocusMode(true);
    return false;
  } };

  function nothing() { return true; }

  function ofKind(kind) {
    if (kind === "subject") {
      return [
        CM.Prec.high(CM.keymap.of([{ key: "Enter", run: nothing, shift: nothing }, { key: "Mod-Enter", run: nothing }])),
        CM.EditorView.clipboardInputFilter.of(oneLine),
        CM.EditorState.transactionFilter.of(function (change) { return change.newDoc.lines > 1 ? [] : change; }),
      ];
    }
    return [CM.lineNumbers(), CM.indentOnInput(), CM.keymap.of([CM.indentWithTab])];
  }

  function labelled(textarea) {
    var said = { "aria-label": textarea.getAttribute("aria-label") || "" };
    (textarea.labels || []).forEach(function (label) {
      said["aria-label"] = said["aria-label"] || label.textContent.trim();
    });
    ["aria-describedby", "aria-invalid", "lang"].forEach(function (name) {
      if (textarea.hasAttribute(name)) {
        said[name] = textarea.getAttribute(name);
      }
    });
    if (textarea.dataset.code === "subject") {
      said["aria-multiline"] = "false";
    } else if (!said["aria-describedby"]) {
      said["aria-description"] = phrases().leave || "";
    }
    return said;
  }

  function tell(textarea, name) {
    textarea.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  }

  function writesBack(textarea) {
    var atFocus = textarea.value;
    return [
      CM.EditorView.updateListener.of(function (update) {
        if (update.docChanged) {
          textarea.value = update.state.doc.toString();
          textarea.dispatchEvent(new Event("input", { bubbles: true }));
        }
      }),
      CM.EditorView.domEventHandlers({
        focus: function () {
          atFocus = textarea.value;
          tell(textarea, "postroom:code-focus");
        },
        blur: function () {
          if (textarea.value !== atFocus) {
            textarea.dispatchEvent(new Event("change", { bubbles: true }));
          }
        },
      }),
    ];
  }

  function extensions(textarea) {
    var kind = textarea.dataset.code;
    var fixed = textarea.readOnly || textarea.disabled;
    return [
      CM.EditorView.cspNonce.of(nonce),
      CM.EditorState.phrases.of(phrases()),
      CM.EditorView.contentAttributes.of(labelled(textarea)),
      fixed ? CM.EditorState.readOnly.of(true) : [],
      CM.autocompletion({
        icons: false,
        override: [window.codeCompletion({
          variables: listOf(textarea.dataset.variables),
          filters: listOf(textarea.dataset.filters),
          tags: listOf(textarea.dataset.tags),
        })],
        activateOnCompletion: function (chosen) { return Boolean(chosen.more); },
      }),
      CM.keymap.of([{ key: "Tab", run: CM.acceptCompletion }]),
      ofKind(kind),
      language(kind),
      CM.syntaxHighlighting(colours),
      CM.closeBrackets(),
      CM.search({ top: true }),
      CM.EditorState.allowMultipleSelections.of(false),
      CM.EditorView.lineWrapping,
      CM.indentUnit.of("  "),
      problems.lines,
      leaving,
      writesBack(textarea),
      CM.keymap.of([].concat(CM.closeBracketsKeymap, CM.searchKeymap, CM.lintKeymap, escape)),
      CM.minimalSetup,
    ];
  }

  function Editor(textarea, view) {
    this.view = view;
    this.single = textarea.dataset.code === "subject";
  }

  Editor.prototype = {
    focus: function () { this.view.focus(); },

    change: function (from, to, text, cursor) {
      var insert = this.view.state.toText(this.single ? oneLine(text) : text);
      var anchor = from + (cursor === undefined ? insert.length : cursor);
      this.view.dispatch({
        changes: { from: from, to: to, insert: insert }, selection: { anchor: anchor },
        scrollIntoView: true, userEvent: "input",
      });
    },

    insert: function (text) {
      var chosen = this.view.state.selection.main;
      this.change(chosen.from, chosen.to, text);
      this.focus();
    },

    insertVariable: function (name) {
      var before = this.view.state.sliceDoc(0, this.view.state.selection.main.from);
      var start = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
      var inside = start >= 0 && !/[%}]\}/.test(before.slice(start + 2));
      this.insert(inside ? name : "{{ " + name + " }}");
    },

    goTo: function (line, column) {
      var there = problems.offset(this.view.state.doc, line, column);
      this.view.dispatch({
        selection: { anchor: there }, effects: CM.EditorView.scrollIntoView(there, { y: "center" }),
      });
      this.focus();
    },

    replaceAt: function (line, column, old, text) {
      var from = problems.offset(this.view.state.doc, line, column);
      if (this.view.state.sliceDoc(from, from + old.length) !== old) {
        var whole = this.view.state.doc.lineAt(from);
        var found = whole.text.indexOf(old);
        if (found < 0 || whole.text.indexOf(old, found + 1) >= 0) {
          return false;
        }
        from = whole.from + found;
      }
      this.change(from, from + old.length, text);
      this.focus();
      return true;
    },

    setValue: function (text) { this.change(0, this.view.state.doc.length, text, 0); },

    showProblems: function (list) { problems.show(this.view, list); },
  };

  function mount(textarea) {
    var box = document.createElement("div");
    var single = textarea.dataset.code === "subject";
    box.className = "code-x" + (single ? " one-line" : "");
    ["fill", "bare"].forEach(function (name) { box.classList.toggle(name, textarea.classList.contains(name)); });
    box.style.setProperty("--code-rows", single ? 1 : textarea.rows);
    textarea.after(box);
    var view = new CM.EditorView({
      doc: single ? oneLine(textarea.value) : textarea.value, extensions: extensions(textarea), parent: box,
    });
    // The browser could not point at a hidden field that is empty; the server says it.
    textarea.required = false;
    textarea.hidden = true;
    textarea.codeEditor = new Editor(textarea, view);
    (textarea.labels || []).forEach(function (label) {
      label.addEventListener("click", function () { view.focus(); });
    });
    if (textarea.form) {
      textarea.form.addEventListener("reset", function () { textarea.codeEditor.setValue(textarea.defaultValue); });
    }
    if (textarea.autofocus) {
      view.focus();
    }
    tell(textarea, "postroom:code-ready");
  }

  function mountIn(root) {
    root.querySelectorAll("textarea[data-code]").forEach(function (textarea) {
      if (!textarea.codeEditor) {
        mount(textarea);
      }
    });
  }

  mountIn(document);
  document.addEventListener("htmx:load", function (loaded) { mountIn(loaded.target.parentNode || document); });
  document.addEventListener("htmx:beforeCleanupElement", function (cleaned) {
    if (cleaned.target.codeEditor) {
      cleaned.target.codeEditor.view.destroy();
    }
  });
})();
