import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", "dist/"] },
  { files: ["**/*.mjs"], extends: [js.configs.recommended], languageOptions: { globals: { console: "readonly" } } },
  {
    files: ["**/*.ts"],
    extends: [js.configs.recommended, ...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A flat switch counts as one decision.
      complexity: ["error", { max: 10, variant: "modified" }],
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      // Numbers in texts are fine.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `return this.other()` of void functions keeps switches flat.
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      // `options["name"]` is what noPropertyAccessFromIndexSignature style asks for on records.
      "@typescript-eslint/dot-notation": "off",
      // Built-ins are taken from their prototypes on purpose, to be called on values later.
      "@typescript-eslint/unbound-method": "off",
      // Errors of units are whatever they threw.
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      "@typescript-eslint/only-throw-error": "off",
    },
  },
  // A suite is one function that holds all its tests.
  { files: ["tests/**"], rules: { "max-lines-per-function": "off" } },
  // One closure: nothing of it can be reached from the page, and it minifies best.
  { files: ["src/embed/loader.ts"], rules: { "max-lines-per-function": ["error", 120] } },
);
