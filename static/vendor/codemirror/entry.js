// What the panel's code editor uses of CodeMirror; bundled as one global, `CodeMirror`.
export { minimalSetup } from "codemirror";
export {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, pickedCompletion,
} from "@codemirror/autocomplete";
export { indentWithTab } from "@codemirror/commands";
export { html } from "@codemirror/lang-html";
export { liquid } from "@codemirror/lang-liquid";
export {
  LanguageSupport, StreamLanguage, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
export { lintKeymap, setDiagnostics } from "@codemirror/lint";
export { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
export { EditorState, Prec, RangeSet, StateEffect, StateField } from "@codemirror/state";
export {
  Decoration, EditorView, GutterMarker, gutterLineClass, keymap, lineNumbers,
} from "@codemirror/view";
export { Tag, styleTags, tagHighlighter, tags } from "@lezer/highlight";
