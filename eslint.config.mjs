import js from "@eslint/js";
import globals from "globals";

const PURE = [
    "javascript/wplus_{curve,easings,edits,model,reader,scene,state,styles,text,tracks}.mjs",
    "javascript/comfy/wplus_graph.mjs",
];
const OURS = "javascript/**/*.{js,mjs}";
const STATE = "[type='MemberExpression']:matches([object.name='state'], [object.property.name='state'])";
const CALL = "CallExpression[callee.property.name=";
const message = "The state is changed by its commands alone: call one.";

export default [
    { ignores: [".venv*/"] },
    js.configs.recommended,
    {
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            "eqeqeq": "error",
            "max-depth": ["error", 4],
            "max-len": ["error", { code: 120 }],
            "max-lines": ["error", 300],
            "max-lines-per-function": ["error", 50],
            "no-console": "error",
            "no-else-return": "error",
            "no-implicit-coercion": "error",
            "no-shadow": "error",
            "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
            "no-use-before-define": ["error", { functions: false, classes: false }],
            "no-useless-return": "error",
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": ["error", { destructuring: "all" }],
            "prefer-template": "error",
        },
    },
    {
        files: [OURS],
        rules: {
            "no-restricted-syntax": [
                "error",
                { selector: `AssignmentExpression > .left${STATE}`, message },
                { selector: `UpdateExpression > .argument${STATE}`, message },
                { selector: `${CALL}/^(add|delete|clear|set|push)$/][callee.object.object.name='state']`, message },
                { selector: `${CALL}/^(change|commit|edit|send)$/][callee.object.name='state']`, message },
            ],
        },
    },
    // What has to run without a page knows nothing of one: there, `document` is not defined.
    { files: PURE, languageOptions: { globals: { performance: "readonly" } } },
    { files: [OURS], ignores: PURE, languageOptions: { globals: globals.browser } },
    {
        files: ["javascript/wplus_{page,leads}.mjs"], // the WebUI's own functions
        languageOptions: {
            globals: {
                gradioApp: "readonly", onAfterUiUpdate: "readonly", onUiLoaded: "readonly", updateInput: "readonly",
            },
        },
    },
    {
        files: ["tests/*.mjs"], // as long as there are cases
        languageOptions: { globals: globals.node },
        rules: { "max-lines": "off", "max-lines-per-function": "off" },
    },
];
